#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>

#include "backend/backend.hpp"
#include "pool/chunk_driver.hpp"
#include "pool/deadline.hpp"
#include "pool/operation_trace.hpp"
#include "pool/progress_display.hpp"
#include "procession/detail/pool/operation.hpp"
#include "procession/pool_options.hpp"
#include "system/signal_scope.hpp"

namespace procession::detail {

/// One operation of the parent, from its first chunk to its last. It decides what ends the
/// operation early: a failed item, a signal, the deadline.
class OperationLoop final : private ChunkDriver::Owner {
 public:
  OperationLoop(Backend& backend, Operation& operation, const PoolOptions& options);

  ~OperationLoop() override;

  /// From the first item to the last: all of what follows. Returns when all items are done. Throws
  /// what ended it early; no chunk is in flight then.
  void run();

  // The same in parts, for operations whose items come, or whose results are taken, bit by bit.
  /// Throws PortabilityError.
  void begin();
  /// So many more, behind those there are.
  void addItems(std::uint64_t count);
  void closeItems() { driver_.closeItems(); }
  /// Hands out what can be, waits for what happens next, at most until `until`, and sees to it.
  /// Throws SystemError when no worker is left.
  void step(std::optional<Time> until = std::nullopt);
  /// The same without waiting; signals stay the program's.
  void glance();
  /// The program goes on by itself, perhaps for long: signals are its own until the next step.
  void pause();
  [[nodiscard]] bool isFinished() const { return driver_.isFinished(); }
  /// Only when finished. Throws what ended it early.
  void end();
  /// Instead: nobody wants what is not done yet. Waits until no chunk is in flight, and passes on
  /// the signal of which nobody will be told any more.
  void abandon();
  /// There was nobody to be told of the signal that ended it, if one did: it does at the end of
  /// this object what it would have done without the operation.
  void passSignalOn();

  [[nodiscard]] Scheduler& scheduler() { return driver_.scheduler(); }
  [[nodiscard]] bool isCancelled() const { return driver_.isCancelled(); }
  /// Of an operation that settles its items, those that failed as well.
  [[nodiscard]] std::uint64_t doneItems() const;

 private:
  void encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) override;
  [[nodiscard]] const std::byte* itemsInMemory() const override {
    return operation_.itemsInMemory();
  }
  void accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) override;
  void chunkCameBack(Time duration) override;
  void attemptFailed(std::uint64_t item, const std::exception_ptr& error, Time took) override;
  void itemFailed(std::uint64_t item, const std::exception_ptr& error) override;
  void failed(const std::exception_ptr& error) override;
  [[nodiscard]] int stopDescriptor() const override {
    return signals_ ? signals_->getDescriptor() : -1;
  }
  void stopHeard() override { lookAtSignals(); }
  void stopRequested(int signal, bool again) override;
  [[nodiscard]] std::size_t waitingBytes() const override { return operation_.waitingBytes(); }
  void traced(const TraceRecord& record) override;
  void tracedByAgent(int rank, ByteView records) override;

  void lookAtSignals();
  void lookAtTheClock();
  [[nodiscard]] std::optional<Time> nextDeadlineStep() const;
  [[nodiscard]] std::exception_ptr missedDeadline() const;
  void showProgress();
  [[nodiscard]] ProgressDisplay::Counts progress() const;
  [[nodiscard]] std::uint64_t failedItems() const;
  void endProgress();
  void interrupt(int signal, bool again);

  Operation& operation_;
  std::shared_ptr<HeapPayload> setup_ = std::make_shared<HeapPayload>();
  std::uint64_t itemCount_ = 0;
  std::optional<SignalScope> signals_;  // while the program waits for us
  ChunkDriver driver_;
  std::map<std::uint64_t, std::exception_ptr> failures_;  // for good, by item
  std::exception_ptr error_;  // what ended the operation, when no item did
  int signalsSeen_ = 0;
  std::optional<int> interruptedBy_;  // the signal
  std::optional<Deadline> deadline_;
  std::optional<DeadlineWatch> watch_;  // of the deadline; empty: there is none
  enum class Ending { NotYet, HandsOutNothing, GivesUp };
  Ending ending_ = Ending::NotYet;  // for the deadline
  std::uint64_t failedItems_ = 0;
  std::optional<ProgressDisplay> progress_;
  OperationTrace trace_;
};

}  // namespace procession::detail
