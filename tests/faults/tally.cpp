#include "faults/tally.hpp"

#include <sstream>

#include "faults/fault.hpp"

namespace procession::test {

namespace {

constexpr std::array<const char*, kKinds> kKindNames = {
    "map",        "localOnly map", "filter",
    "each",       "mapReduce",     "aggregate",
    "process",    "mapUnordered",  "mapUnordered, left",
    "mapSettled", "submit"};
constexpr std::array<const char*, kOutcomes> kOutcomeNames = {"value", "TaskError", "WorkerLost",
                                                              "TaskTimeout", "SystemError"};

template <class Counts, class Name>
void list(std::ostream& out, const char* title, const Counts& counts, Name name) {
  std::uint64_t all = 0;
  for (const auto& count : counts) {
    all += count;
  }
  out << title << ": " << all << " (";
  const char* separator = "";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 0) {
      out << separator << name(i) << ' ' << counts[i];
      separator = ", ";
    }
  }
  out << ")\n";
}

}  // namespace

const char* nameOf(Kind kind) { return kKindNames.at(static_cast<std::size_t>(kind)); }

std::string Tally::describe() const {
  std::ostringstream out;
  out << "rounds: " << rounds << "\nitems: " << items << '\n';
  list(out, "operations", operations, [](std::size_t i) { return kKindNames.at(i); });
  list(out, "faults", faults, [](std::size_t i) { return factsOf(static_cast<Fault>(i)).name; });
  list(out, "outcomes", outcomes, [](std::size_t i) { return kOutcomeNames.at(i); });
  return out.str();
}

}  // namespace procession::test
