#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>

#include "procession/detail/backend/kernel.hpp"
#include "procession/detail/backend/merger.hpp"
#include "procession/detail/backend/operation_shape.hpp"
#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// The parent's half of an operation, without its types: what to send, and what to do with what
/// comes back. Knows nothing of workers, chunks in flight, or failures.
class Operation {
 public:
  using Shape = OperationShape;

  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;

  /// What the program called, for those who watch it run: "map".
  [[nodiscard]] virtual const char* name() const = 0;
  [[nodiscard]] virtual Shape shape() const = 0;
  [[nodiscard]] virtual KernelFactory* kernel() const = 0;
  /// Combines the partials of a chunk's parts; null where results are one an item.
  [[nodiscard]] virtual MergerFactory* merger() const { return nullptr; }
  /// What the kernel is made from. Throws PortabilityError.
  virtual void describe(PayloadWriter& setup) const = 0;
  /// Items [first, first + count) for a chunk.
  virtual void encodeItems(PayloadWriter& writer, std::uint64_t first,
                           std::uint64_t count) const = 0;
  /// All items one after the other, as they are sent, in memory that lasts as long as the
  /// operation; null where they have to be encoded.
  [[nodiscard]] virtual const std::byte* itemsInMemory() const { return nullptr; }
  /// The results of a chunk; in any order, each chunk once. Throws PayloadError for bytes that are
  /// none.
  virtual void accept(std::uint64_t first, std::uint64_t count, ByteView results) = 0;
  /// Whether items that fail for good are its own matter, told by itemFailed(); else the first one
  /// ends it.
  [[nodiscard]] virtual bool settles() const { return false; }
  /// The item failed for good. What it throws ends the operation.
  virtual void itemFailed(std::uint64_t /*item*/, const std::exception_ptr& /*error*/) {}
  /// Whether it is told of each attempt at an item that fails, by attemptFailed(), ahead of what
  /// becomes of the item.
  [[nodiscard]] virtual bool tellsAttempts() const { return false; }
  /// `took`: how long, as far as it is known.
  virtual void attemptFailed(std::uint64_t /*item*/, const std::exception_ptr& /*error*/,
                             std::chrono::nanoseconds /*took*/) {}
  /// Whether what is done counts when the deadline comes; else the operation throws Interrupted.
  [[nodiscard]] virtual bool returnsAtDeadline() const { return false; }
  /// Items that have failed so far, where it knows better than who is told by itemFailed().
  [[nodiscard]] virtual std::optional<std::uint64_t> failedItems() const { return std::nullopt; }
  /// Bytes held until other chunks come in; many are a reason to hand out no more for now.
  [[nodiscard]] virtual std::size_t waitingBytes() const { return 0; }
};

}  // namespace procession::detail
