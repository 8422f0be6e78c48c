#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "procession/detail/backend/kernel.hpp"
#include "procession/detail/wire/code_address.hpp"
#include "procession/error.hpp"

namespace procession::detail {

/// What became of a chunk.
struct ChunkReport {
  enum class State { Done, Threw, Aborted };
  State state = State::Done;
  std::uint64_t items = 0;  // that are done, from the first on, and have their results; of Done
                            // fewer than asked for when the parent took the others back
  std::uint64_t nanoseconds = 0;              // the time the callbacks took
  std::uint64_t item = WorkerBoard::kNoItem;  // Threw: the item; kNoItem when the set-up or the
                                              // items themselves failed
  std::uint64_t itemNanoseconds = 0;          // Threw: its time; 0 where the kernel takes none
  std::vector<ExceptionInfo> chain;           // Threw
};

/// The worker's side of operations, in whatever process it runs: makes the kernel from its bytes,
/// runs chunks, catches what callbacks throw. It neither sends nor receives.
class OperationRunner {
 public:
  explicit OperationRunner(WorkerBoard& board) : board_(board) {}

  /// A failure to set up is kept and reported for each chunk. Set-up: a CodeAddress of the factory,
  /// then what it reads.
  void begin(std::uint64_t operation, ByteView setup);
  /// Appends the results of the items that are done to `results`, which is empty.
  ChunkReport run(std::uint64_t first, std::uint64_t count, ByteView items, PayloadWriter& results);
  void end();

  [[nodiscard]] std::uint64_t operation() const { return operation_; }

 private:
  WorkerBoard& board_;
  std::uint64_t operation_ = 0;     // 0: none
  std::unique_ptr<Kernel> kernel_;  // null when the set-up failed
  std::vector<ExceptionInfo> setupFailure_;
};

/// The set-up of an operation as OperationRunner::begin reads it.
void writeFactory(PayloadWriter& setup, KernelFactory* factory);

}  // namespace procession::detail
