#pragma once

#include <cstddef>
#include <cstdint>

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

  [[nodiscard]] virtual Shape shape() const = 0;
  [[nodiscard]] virtual KernelFactory* kernel() const = 0;
  /// Combines the partials of a chunk's parts; null where results are one an item.
  [[nodiscard]] virtual MergerFactory* merger() const { return nullptr; }
  /// What the kernel is made from. Throws PortabilityError.
  virtual void describe(PayloadWriter& setup) const = 0;
  /// Items [first, first + count) for a chunk.
  virtual void encodeItems(PayloadWriter& writer, std::uint64_t first,
                           std::uint64_t count) const = 0;
  /// The results of a chunk; in any order, each chunk once. Throws PayloadError for bytes that are
  /// none.
  virtual void accept(std::uint64_t first, std::uint64_t count, ByteView results) = 0;
  /// Bytes held until other chunks come in; many are a reason to hand out no more for now.
  [[nodiscard]] virtual std::size_t waitingBytes() const { return 0; }
};

}  // namespace procession::detail
