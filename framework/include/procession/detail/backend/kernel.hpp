#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// What a worker shows of itself in shared memory, one a worker. The parent reads it when the
/// worker died, and to see whether an item takes too long.
struct alignas(64) WorkerBoard {
  static constexpr std::uint64_t kNoItem = ~std::uint64_t{0};

  std::atomic<std::uint64_t> item{kNoItem};  // the item being worked on
  // Written by the parent: begin this item of the chunk and later ones no more. The worker resets
  // it with each chunk.
  std::atomic<std::uint64_t> limit{kNoItem};
  // Written by the parent, before a limit of 0: give up the chunks of this operation.
  std::atomic<std::uint64_t> stopOperation{0};
  // When `item` was begun, in nanoseconds of the steady clock; 0: its kernel takes no times.
  std::atomic<std::uint64_t> since{0};
};

/// How a kernel tells which item it is on; inlined into its loop, where it costs a store and a
/// compare.
class ItemProgress {
 public:
  ItemProgress(WorkerBoard& board, std::uint64_t operation)
      : board_(&board), operation_(operation) {}

  /// To be called before each item: publishes it. False: the parent wants this item and those
  /// behind it done elsewhere, or not at all; leave the loop.
  [[nodiscard]] bool enter(std::uint64_t item) const {
    board_->item.store(item, std::memory_order_relaxed);
    // As they stand here: the parent, which writes the limit and then reads the item, has a barrier
    // executed in this process in between (see ForkedWorker::cutShort).
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return item < board_->limit.load(std::memory_order_relaxed);
  }
  /// The same of a kernel that takes times.
  [[nodiscard]] bool enter(std::uint64_t item, std::uint64_t since) const {
    board_->since.store(since, std::memory_order_relaxed);
    return enter(item);
  }
  /// The same of a chunk that is done as a whole or not at all. No limit is meant for it; one that
  /// a callback's stray write left there would have it done over and over.
  [[nodiscard]] bool enterWhole(std::uint64_t item) const {
    board_->item.store(item, std::memory_order_relaxed);
    return isWanted();
  }
  /// False: the operation was cancelled.
  [[nodiscard]] bool isWanted() const {
    return board_->stopOperation.load(std::memory_order_relaxed) != operation_;
  }

 private:
  WorkerBoard* board_;
  std::uint64_t operation_;
};

/// Cuts a payload back when it goes out of scope, to the results that are whole: those that an
/// exception interrupts go.
class WholeResults {
 public:
  explicit WholeResults(PayloadWriter& results) : results_(results), size_(results.size()) {}
  WholeResults(const WholeResults&) = delete;
  WholeResults& operator=(const WholeResults&) = delete;
  ~WholeResults() { results_.truncate(size_); }

  /// So far, all of them are.
  void keep() { size_ = results_.size(); }

 private:
  PayloadWriter& results_;
  std::size_t size_;
};

/// The worker's half of an operation: one instance a worker process and operation, made from the
/// bytes of its set-up.
class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  /// Works on items [first, first + count); `items` holds them encoded, or nothing where workers
  /// make them themselves. Appends the results. Returns how many items are done: all, or fewer when
  /// `progress` said so, and then the results are those of these. What the callback throws passes
  /// through; the results are then those of the items in front of the one that was entered last.
  virtual std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView items,
                            PayloadWriter& results, ItemProgress progress) = 0;
  /// A chunk has one result: it is there when all items are done, or not at all.
  [[nodiscard]] virtual bool hasOneResult() const { return false; }
  /// The operation is over in this worker, however it ended. Called once; not when the process was
  /// killed.
  virtual void end() {}
};

using KernelFactory = std::unique_ptr<Kernel>(PayloadReader& setup);

template <class KernelType>
std::unique_ptr<Kernel> makeKernel(PayloadReader& setup) {
  return std::make_unique<KernelType>(setup);
}

}  // namespace procession::detail
