#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/backend.hpp"
#include "pool/item_watch.hpp"
#include "procession/detail/pool/operation.hpp"
#include "procession/pool_options.hpp"
#include "scheduler/scheduler.hpp"
#include "system/signal_scope.hpp"

namespace procession::detail {

/// One operation from its first chunk to its last: carries the scheduler's decisions to the backend
/// and the backend's events to the scheduler and the operation. It decides what ends the operation
/// early: a failed item, a signal, the deadline.
class OperationLoop final : private BackendEvents {
 public:
  OperationLoop(Backend& backend, Operation& operation, const PoolOptions& options);

  /// Returns when all items are done. Throws what ended it early; no chunk is in flight then.
  void run();
  [[nodiscard]] std::uint64_t doneItems() const { return scheduler_.doneItems(); }

 private:
  void workerReady(int worker, int capacity) override;
  void chunkDone(int worker, std::uint64_t chunk, Time busy, ByteView results) override;
  void chunkThrew(int worker, std::uint64_t chunk, std::optional<std::uint64_t> item,
                  std::vector<ExceptionInfo> chain, Origin origin) override;
  void chunkAborted(int worker, std::uint64_t chunk) override;
  void recallAnswered(int worker, std::uint64_t chunk, bool recalled) override;
  void workerLost(int worker, std::optional<std::uint64_t> begun, ProcessStatus status,
                  Origin origin) override;

  void drive();
  void performActions();
  void perform(const Scheduler::Action& action);
  void assign(const Scheduler::Action& action);
  void recordFailure(const Scheduler::Action& action);
  /// After a chunk whose items or results took many bytes: smaller chunks from now on.
  void limitChunks(std::size_t bytes, std::uint64_t items);
  void lookAtTheClock();
  void lookAtSignals();
  /// Ends the operation with this error, unless one has ended it already. Workers leave their
  /// chunks at the next item.
  void fail(std::exception_ptr error);
  void cancel();
  void signalWorkers(int signal);
  [[nodiscard]] std::optional<Time> nextWakeUp() const;

  /// A chunk that a worker has.
  struct Flight {
    int worker = 0;
    Chunk chunk;
  };

  Backend& backend_;
  Operation& operation_;
  const PoolOptions& options_;
  Operation::Shape shape_;
  std::uint64_t mostItems_;  // of a chunk
  Scheduler scheduler_;
  SignalScope signals_;
  Backend::Encoder encoder_;
  std::unordered_map<std::uint64_t, Flight> flights_;  // by chunk
  std::map<std::uint64_t, std::exception_ptr>
      attempts_;                         // the last failure of items that failed, by item
  std::exception_ptr lastLoss_;          // for an item found by search: how the last worker ended
  std::map<int, std::uint64_t> killed_;  // workers killed for their time limit, and the item
  std::map<std::uint64_t, std::exception_ptr> failures_;  // for good, by item
  std::exception_ptr error_;  // what ended the operation, when no item did
  ItemWatch watch_;
  int idleLosses_ = 0;  // workers that ended without having begun a chunk, since the last answer
  int signalsSeen_ = 0;
  std::optional<Time> terminateAt_;  // when cancelled: workers still busy then get SIGTERM
  std::optional<Time> killAt_;       // and SIGKILL
  std::optional<Time> deadline_;
};

}  // namespace procession::detail
