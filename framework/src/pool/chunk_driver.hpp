#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "backend/backend.hpp"
#include "backend/operation_plan.hpp"
#include "pool/item_watch.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::detail {

/// Carries the scheduler's decisions to a backend, and the backend's events to the scheduler and to
/// the owner: at both levels, for the parent's operations over its workers or agents, and for the
/// part of them that an agent has its own workers do. It tells how processes ended, and blames
/// items for it; what a failed item means to the operation is the owner's to decide.
class ChunkDriver final : private BackendEvents {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;

    virtual void encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) = 0;
    /// Results of a run of items that are done. What it throws ends the operation.
    virtual void accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) = 0;
    /// All items of the chunk are with a worker.
    virtual void handedOut(const Chunk& /*chunk*/) {}
    /// The item failed for good; the driver hands out nothing more.
    virtual void itemFailed(std::uint64_t item, const std::exception_ptr& error) = 0;
    /// The operation cannot go on; the driver hands out nothing more.
    virtual void failed(const std::exception_ptr& error) = 0;
    /// A worker got a SIGTERM that was not ours. Perhaps everything is being stopped, and the
    /// worker heard first: waits a moment for that, and sees to it.
    virtual void listenForStop() = 0;
    /// An agent's rank was told to stop; `again`: not for the first time.
    virtual void stopRequested(int /*signal*/, bool /*again*/) {}
    /// Bytes of results that wait for others; many are a reason to hand out no more for now.
    [[nodiscard]] virtual std::size_t waitingBytes() const { return 0; }
  };

  ChunkDriver(Backend& backend, Owner& owner, const OperationPlan& plan);

  /// `setup` as OperationRunner::begin reads it; it has to last until end().
  void begin(std::uint64_t operation, ByteView setup);
  void addItems(std::uint64_t first, std::uint64_t count) { scheduler_.addItems(first, count); }
  void closeItems() { scheduler_.closeItems(); }
  /// Hands out what can be, waits for what happens next, at most until `until` or until `wakeUp` is
  /// readable, and sees to it. Throws SystemError when no worker is left.
  void step(std::optional<Time> until, int wakeUp);
  /// Nothing more will happen: all items are done, or it was cancelled, and no chunk is in flight.
  [[nodiscard]] bool isFinished() const { return scheduler_.isFinished(); }
  [[nodiscard]] bool isIdle() const { return scheduler_.chunksInFlight() == 0; }
  /// Only when finished.
  void end() { backend_.end(); }

  /// Ends the operation: owner.failed(), and cancel().
  void fail(const std::exception_ptr& error);
  /// Hands out nothing more. Workers leave their chunks at the next item; those that do not within
  /// half a second get SIGTERM, after two seconds more SIGKILL.
  void cancel();
  /// Busy workers are told to end now, and get SIGKILL after the grace; or at once with SIGKILL.
  void endWorkers(int signal, Time grace = std::chrono::seconds(2));

  [[nodiscard]] std::uint64_t doneItems() const { return scheduler_.doneItems(); }
  [[nodiscard]] std::uint64_t waitingItems() const { return scheduler_.waitingItems(); }
  [[nodiscard]] bool isCancelled() const { return scheduler_.isCancelled(); }
  /// Grows whenever something happens.
  [[nodiscard]] std::uint64_t eventCount() const { return eventCount_; }

 private:
  void workerReady(int worker, int capacity) override;
  void partDone(int worker, std::uint64_t first, std::uint64_t count, ByteView results) override;
  void chunkDone(int worker, std::uint64_t chunk, Time busy, ByteView results) override;
  void chunkThrew(int worker, std::uint64_t chunk, std::optional<std::uint64_t> item,
                  std::vector<ExceptionInfo> chain, Origin origin) override;
  void itemFailed(int worker, std::uint64_t item, std::exception_ptr error) override;
  void operationFailed(int worker, std::exception_ptr error) override;
  void chunkPassedOn(int worker, std::uint64_t chunk) override;
  void chunkAborted(int worker, std::uint64_t chunk) override;
  void recallAnswered(int worker, std::uint64_t chunk, bool recalled) override;
  void workerLost(int worker, std::optional<std::uint64_t> begun, ProcessStatus status,
                  Origin origin) override;
  void stopRequested(int signal, bool again) override;

  void performActions();
  void perform(const Scheduler::Action& action);
  void assign(const Scheduler::Action& action);
  void recordFailure(const Scheduler::Action& action);
  void accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results);
  /// After a chunk whose items or results took many bytes: smaller chunks from now on.
  void limitChunks(std::size_t bytes, std::uint64_t items);
  void lookAtTheClock();
  void watchItems(Time now);
  [[nodiscard]] std::optional<Time> nextWakeUp() const;

  /// A chunk that a worker has.
  struct Flight {
    int worker = 0;
    Chunk chunk;
  };

  Backend& backend_;
  Owner& owner_;
  OperationPlan plan_;
  std::size_t chunkBytes_;   // a chunk's items, or its results, should take no more
  std::uint64_t mostItems_;  // of a chunk
  Scheduler scheduler_;
  Backend::Encoder encoder_;
  std::unordered_map<std::uint64_t, Flight> flights_;  // by chunk
  std::map<std::uint64_t, std::exception_ptr>
      attempts_;                         // the last failure of items that failed, by item
  std::exception_ptr lastLoss_;          // for an item found by search: how the last worker ended
  std::map<int, std::uint64_t> killed_;  // workers killed for their time limit, and the item
  ItemWatch watch_;
  int idleLosses_ = 0;  // workers that ended without having begun a chunk, since the last answer
  std::uint64_t eventCount_ = 0;
  std::optional<Time> terminateAt_;  // when cancelled: workers still busy then get SIGTERM
  std::optional<Time> killAt_;       // and SIGKILL
};

/// Unique in this process, never 0.
std::uint64_t nextOperationId();

/// The earlier of two times that may not be set.
[[nodiscard]] inline std::optional<Time> earlier(std::optional<Time> a, std::optional<Time> b) {
  return a && b ? std::min(*a, *b) : (a ? a : b);
}

}  // namespace procession::detail
