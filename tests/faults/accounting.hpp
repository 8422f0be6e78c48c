#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "faults/fault.hpp"
#include "faults/tally.hpp"

namespace procession::test {

/// What the items of an operation may come to, and what they did.
class Accounting {
 public:
  /// `mayBeRefused`: attempts may fail for want of memory or the like before they begin, so that
  /// an item may have fewer of them.
  Accounting(const std::vector<FaultyItem>& items, std::chrono::milliseconds timeout,
             bool mayBeRefused)
      : items_(items), timeout_(timeout), mayBeRefused_(mayBeRefused) {}

  /// Of an operation that returned: "" when it was right to.
  [[nodiscard]] std::string ofSuccess() const;
  /// Of an operation that threw. `isFirst`: it must be the first item that always fails.
  [[nodiscard]] std::string ofFailure(const std::exception_ptr& error, bool isFirst,
                                      Tally& tally) const;
  /// Of one item that was settled by itself; `error` is null where it came to a value.
  [[nodiscard]] std::string ofItem(std::size_t item, const std::exception_ptr& error,
                                   Tally& tally) const;

 private:
  [[nodiscard]] std::string compare(const FaultyItem& item, const std::exception_ptr& error,
                                    Tally& tally) const;

  const std::vector<FaultyItem>& items_;
  std::chrono::milliseconds timeout_;
  bool mayBeRefused_;
};

}  // namespace procession::test
