#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace procession::test {

/// What the rounds are made of.
enum class Kind : std::uint8_t {
  Map,
  MapLocally,
  Filter,
  Each,
  MapReduce,
  Aggregate,
  Process,
  MapUnordered,
  LeaveUnordered,
  Settle,
  Submit,
};
inline constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::Submit) + 1;
[[nodiscard]] const char* nameOf(Kind kind);

/// What an operation, or an item that is settled by itself, came to.
enum class CameTo : std::uint8_t { Value, Thrown, Loss, Timeout, Refused };
inline constexpr std::size_t kOutcomes = static_cast<std::size_t>(CameTo::Refused) + 1;

/// The numbers of a run. In shared memory: workers and forked tests count, too.
struct Tally {
  std::atomic<std::uint64_t> rounds;
  std::atomic<std::uint64_t> items;
  std::array<std::atomic<std::uint64_t>, kKinds> operations;
  std::array<std::atomic<std::uint64_t>, kOutcomes> outcomes;
  std::array<std::atomic<std::uint64_t>, 64> faults;  // that happened, by Fault

  void count(Kind kind) { ++operations[static_cast<std::size_t>(kind)]; }
  void count(CameTo outcome) { ++outcomes[static_cast<std::size_t>(outcome)]; }

  [[nodiscard]] std::string describe() const;
};

}  // namespace procession::test
