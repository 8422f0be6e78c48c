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
  std::atomic<std::uint64_t> stopOperation{
      0};  // written by the parent: give up the chunks of this operation
};

/// How a kernel tells which item it is on; inlined into its loop, where it costs a store and a
/// compare.
class ItemProgress {
 public:
  ItemProgress(WorkerBoard& board, std::uint64_t operation)
      : board_(&board), operation_(operation) {}

  /// To be called before each item: publishes it. False: the operation was cancelled; leave the
  /// loop.
  [[nodiscard]] bool enter(std::uint64_t item) const {
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

/// The worker's half of an operation: one instance a worker process and operation, made from the
/// bytes of its set-up.
class Kernel {
 public:
  Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  /// Works on items [first, first + count); `items` holds them encoded, or nothing where workers
  /// make them themselves. Appends the results. False: cancelled half-way, the results are
  /// worthless. What the callback throws passes through.
  virtual bool run(std::uint64_t first, std::uint64_t count, ByteView items, PayloadWriter& results,
                   ItemProgress progress) = 0;
};

using KernelFactory = std::unique_ptr<Kernel>(PayloadReader& setup);

template <class KernelType>
std::unique_ptr<Kernel> makeKernel(PayloadReader& setup) {
  return std::make_unique<KernelType>(setup);
}

}  // namespace procession::detail
