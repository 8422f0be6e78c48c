#pragma once

#include <cstdint>
#include <limits>
#include <map>

namespace procession::detail {

/// A run of items that waits to be handed out.
struct OpenRange {
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t first = 0;
  std::uint64_t end = 0;
  std::uint64_t sourceEnd =
      0;  // end of the addItems() call it stems from: there a node may be clipped
  std::uint64_t pieceLimit = kNoLimit;  // hand-outs are at most this long: a worker died in here
};

/// The items that wait, as ranges in ascending order; neighbours of the same kind become one again.
/// Memory grows with the number of gaps, never with the number of items.
class OpenItems {
 public:
  [[nodiscard]] bool isEmpty() const { return ranges_.empty(); }
  [[nodiscard]] std::uint64_t count() const { return count_; }

  /// The range with the lowest items. Only when not empty.
  [[nodiscard]] OpenRange front() const;

  /// Removes the items of the first range below `end`.
  void takeUntil(std::uint64_t end);

  /// Removes the items that wait at the end of [first, end), without a gap. Returns how many.
  std::uint64_t takeEnd(std::uint64_t first, std::uint64_t end);

  /// Throws std::logic_error when an item of the range is there already.
  void add(const OpenRange& range);

 private:
  struct Rest {
    std::uint64_t end;
    std::uint64_t sourceEnd;
    std::uint64_t pieceLimit;

    [[nodiscard]] bool isOfKind(const Rest& other) const {
      return sourceEnd == other.sourceEnd && pieceLimit == other.pieceLimit;
    }
  };

  std::map<std::uint64_t, Rest> ranges_;  // by first item; none empty, none overlap
  std::uint64_t count_ = 0;
};

}  // namespace procession::detail
