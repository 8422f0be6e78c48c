#include <cstddef>
#include <string>
#include <vector>

#include "mpi/job.hpp"
#include "procession/process_pool.hpp"
#include "string_input.hpp"

// Reversing strings: values that are no plain bytes. Boost.MPI beside it.

namespace procession::benchmarks {

namespace {

void runOurs(const Job& job) {
  const StringInput input = makeStringInput(job.tiny ? 5'000 : 200'000);
  ProcessPool pool(job.workers);
  const auto reverse = [](const std::string& text) {
    return std::string(text.rbegin(), text.rend());
  };
  measure(
      job, [&] { return pool.map(input.strings, reverse); },
      [&](const std::vector<std::string>& reversed) { return reversed == input.reversed; });
}

}  // namespace

std::vector<Contender> stringsContenders() { return {{"strings", "procession", runOurs}}; }

}  // namespace procession::benchmarks
