#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "faults/fault.hpp"

namespace procession::test {

/// The numbers that a round is made of: the same for the same seed, wherever it runs.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  /// From 0 up to below `sides`.
  std::uint32_t roll(std::uint32_t sides) { return static_cast<std::uint32_t>(random_() % sides); }
  bool chance(std::uint32_t percent) { return roll(100) < percent; }
  /// As likely to be of one order of magnitude as of another.
  std::uint32_t magnitude(std::uint32_t most);
  template <class Values>
  auto pick(const Values& values) {
    return *(std::begin(values) + roll(static_cast<std::uint32_t>(std::size(values))));
  }

 private:
  std::mt19937_64 random_;
};

/// What may happen in an operation.
struct FaultRules {
  int retries = 0;
  bool hasTimeLimit = false;  // else no item may hang
  bool mayFail = true;        // else no item fails more often than it is tried again
  bool areSimple = false;     // only faults that need nothing of the system
};

/// Items of which some, or many, or none come to faults; `firstLine` is the first one's in the
/// book.
[[nodiscard]] std::vector<FaultyItem> rollItems(Dice& dice, const FaultRules& rules,
                                                std::uint32_t count, std::uint32_t firstLine);

/// "812 items; 17: Segfaults, always; 300: Throws, 2 times"
[[nodiscard]] std::string describe(const std::vector<FaultyItem>& items);

}  // namespace procession::test
