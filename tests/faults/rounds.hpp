#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "faults/book.hpp"
#include "faults/random_items.hpp"

namespace procession::test {

/// How long, and from which seed. FAULTS_SECONDS and FAULTS_SEED in the environment say so, and
/// FAULTS_ROUND that it is this one round alone, to see it fail again.
struct RoundsOptions {
  std::chrono::milliseconds time{0};
  std::uint64_t seed = 1;
  std::uint64_t first = 0;
  bool isOne = false;
  /// What makes a round hard for the framework itself, and what ends that: called around each.
  std::function<void(Dice&)> worsen{};
  std::function<void()> restore{};
  /// By this the system may refuse what the framework asks for; see Round.
  bool mayBeRefused = false;

  /// What the environment says, or else this time.
  static RoundsOptions fromEnvironment(std::chrono::milliseconds time);
  /// Of the time that the environment says only a twentieth.
  static RoundsOptions partFromEnvironment(std::chrono::milliseconds time);
};

/// Round after round, until the time is over or one goes wrong. Checks as well that each leaves the
/// process as it was: no child, descriptor or shared memory more. A round that takes for ever is
/// told, and ends the program. Returns what went wrong, and how to see it again; "" for nothing.
[[nodiscard]] std::string runRounds(Book& book, const RoundsOptions& options);

}  // namespace procession::test
