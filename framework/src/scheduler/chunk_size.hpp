#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace procession::detail {

/// How many items the next chunk should have: guided self-scheduling, held between two bounds by
/// the measured cost of an item. It knows nothing of leaves, nodes or single workers; the scheduler
/// rounds its answer.
///
/// Source of the guided rule: Polychronopoulos and Kuck, IEEE Transactions on Computers C-36
/// (1987).
class ChunkSize {
 public:
  using Time = std::chrono::nanoseconds;

  /// What the size depends on, at the moment of a hand-out. Capacities count processes.
  struct Situation {
    std::uint64_t openItems = 0;    // not handed out; at least one
    std::uint64_t capacity = 1;     // of the worker that gets the chunk
    std::uint64_t allCapacity = 1;  // of all workers
    std::uint64_t freeCapacity =
        1;  // the same, once for each further chunk that a worker may get now
    std::size_t workers = 1;
  };

  /// `worthwhile`: a chunk should keep its worker busy for this long, so that its hand-over is
  /// cheap.
  explicit ChunkSize(Time worthwhile) : worthwhile_(worthwhile) {}

  /// Hand-overs turned out to be dearer: chunks should last for this long.
  void raiseWorthwhile(Time worthwhile) { worthwhile_ = std::max(worthwhile_, worthwhile); }

  /// `items` took `busy` in all.
  void measure(std::uint64_t items, Time busy);

  /// At least one, at most the open items.
  [[nodiscard]] std::uint64_t items(const Situation& situation) const;

  /// So many items are likely to keep one process busy for `worthwhile`. Taken as true before the
  /// first measurement.
  [[nodiscard]] bool isWorthwhile(std::uint64_t items) const { return mayLast(items, worthwhile_); }
  /// So many items are likely to keep one process busy for `time` at least. Taken as true before
  /// the first measurement.
  [[nodiscard]] bool mayLast(std::uint64_t items, Time time) const;
  [[nodiscard]] bool isKnown() const { return measuredItems_ > 0; }

 private:
  [[nodiscard]] double firstItems(const Situation& situation) const;
  [[nodiscard]] double guidedItems(const Situation& situation) const;
  /// What one process does in `time`.
  [[nodiscard]] double itemsIn(Time time) const;

  Time worthwhile_;
  std::uint64_t measuredItems_ = 0;
  Time measuredTime_{0};
};

}  // namespace procession::detail
