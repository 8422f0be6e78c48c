#pragma once

#include <cstddef>
#include <cstdint>

#include "procession/detail/backend/kernel.hpp"
#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// The parent's half of an operation, without its types: what to send, and what to do with what
/// comes back. Knows nothing of workers, chunks in flight, or failures.
class Operation {
 public:
  struct Shape {
    std::uint64_t items = 0;
    std::size_t itemBytes =
        0;  // a guess at what an item takes on its way, to bound chunks; 0: nothing is sent
    std::size_t resultBytes = 0;  // the same for its result
    std::uint64_t leafItems = 1;  // chunks end at multiples of this
    bool wholeNodes = false;   // a chunk is one node of the reduction tree and returns one partial
    bool readsSource = false;  // workers open a file or the like
    bool localOnly = false;    // the callback can only run in processes forked for this call
  };

  Operation() = default;
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;

  [[nodiscard]] virtual Shape shape() const = 0;
  [[nodiscard]] virtual KernelFactory* kernel() const = 0;
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
