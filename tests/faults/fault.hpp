#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "faults/book.hpp"

namespace procession::test {

/// What happens to an item while a worker is on it.
enum class Fault : std::uint8_t {
  None,
  // The worker ends.
  KillsItself,
  IsKilledFromOutside,
  Segfaults,
  Aborts,
  Exits,
  ExitsAtOnce,
  OverflowsStack,
  ThrowsInThread,
  ClosesEverything,
  // An exception leaves the callback.
  Throws,
  ThrowsNumber,
  ThrowsNested,
  ThrowsLongMessage,
  ThrowsBrokenText,
  ThrowsWhatCannotBeCopied,
  ThrowsFailedCopy,
  AsksForTooMuchMemory,
  ReachesAddressLimit,
  // Nothing happens any more.
  Hangs,
  HangsDeafToTerminate,
  HangsDeafToAll,
  // Unpleasant, but the callback returns, and what it returns is right.
  IsStoppedForAWhile,
  ForksChildThatExits,
  ForksChildThatStays,
  ForksChildThatReturns,
  StartsThreads,
  BlocksSignals,
  IgnoresTerminate,
  IsInterruptedAllTheTime,
  // It writes over what the worker tells of itself: then the item may come to a loss as well.
  ScribblesOverBoard,
};
inline constexpr std::size_t kFaults = static_cast<std::size_t>(Fault::ScribblesOverBoard) + 1;

/// What an item comes to when nobody tries it again.
enum class Ending : std::uint8_t { Value, Throws, Loss, Timeout, ValueOrLoss };

struct FaultFacts {
  const char* name;
  Ending ending;
  int signal = 0;            // of a loss; 0: it exits
  int exitCode = 0;          // of a loss without a signal
  const char* type = "";     // of what is thrown
  bool takesMemory = false;  // or the stack, in a way that sanitizers do not bear
};
[[nodiscard]] const FaultFacts& factsOf(Fault fault);
/// All kinds but None that can be had in this build.
[[nodiscard]] const std::vector<Fault>& possibleFaults();

/// What a callback that hangs is given. Others must not need as much, on a busy machine either.
[[nodiscard]] std::chrono::milliseconds timeToHang();

/// An item of the fault suite: raw bytes, so that it lies in the workers' memory as it is.
struct FaultyItem {
  std::uint32_t id = 0;        // its line in the book
  std::uint32_t failures = 0;  // calls that come to its fault, before one that does not
  std::uint32_t bytes = 0;     // of its result, where that has a size
  Fault fault = Fault::None;

  static constexpr std::uint32_t kAlways = ~std::uint32_t{0};
  [[nodiscard]] bool alwaysFails() const { return failures == kAlways; }
};

/// In a worker: has the item's fault come true, when it is not through with its failures yet.
void befall(Book& book, const FaultyItem& item);

/// The message of what an item throws; "" where it has none.
[[nodiscard]] std::string messageOf(const FaultyItem& item);

}  // namespace procession::test
