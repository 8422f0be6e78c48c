#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "backend/backend.hpp"
#include "backend/operation_plan.hpp"
#include "backend/trace_record.hpp"
#include "pool/chunk_limit.hpp"
#include "pool/chunk_trace.hpp"
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
    /// Where all items lie as encodeItems() would write them; null where they do not.
    [[nodiscard]] virtual const std::byte* itemsInMemory() const { return nullptr; }
    /// Results of a run of items that are done. What it throws ends the operation.
    virtual void accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) = 0;
    /// A chunk is done, so long after it was handed out.
    virtual void chunkCameBack(Time /*duration*/) {}
    /// All items of the chunk are with a worker.
    virtual void handedOut(const Chunk& /*chunk*/) {}
    /// An attempt at the item failed, after it `took` so long (0: not known); it may be tried
    /// again. Told only where the plan tellsAttempts.
    virtual void attemptFailed(std::uint64_t /*item*/, const std::exception_ptr& /*error*/,
                               Time /*took*/) {}
    /// The item failed for good; unless the plan settles items, the driver hands out nothing more.
    virtual void itemFailed(std::uint64_t item, const std::exception_ptr& error) = 0;
    /// The operation cannot go on; the driver hands out nothing more.
    virtual void failed(const std::exception_ptr& error) = 0;
    /// Readable when this process was told to stop; -1: somebody else looks.
    [[nodiscard]] virtual int stopDescriptor() const = 0;
    /// It was, and a worker heard first.
    virtual void stopHeard() = 0;
    /// An agent's rank was told to stop; `again`: not for the first time.
    virtual void stopRequested(int /*signal*/, bool /*again*/) {}
    /// Of what traceEvents() asked for.
    virtual void traced(const TraceRecord& /*record*/) {}
    /// The same of an agent's workers.
    virtual void tracedByAgent(int /*rank*/, ByteView /*records*/) {}
    /// Bytes of results that wait for others; many are a reason to hand out no more for now.
    [[nodiscard]] virtual std::size_t waitingBytes() const { return 0; }
  };

  /// `ofAgent`: another level is above, which can have back what is not handed out.
  ChunkDriver(Backend& backend, Owner& owner, const OperationPlan& plan, bool ofAgent);

  /// From now on the owner is told what PROCESSION_TRACE records.
  void traceEvents();
  /// `message`: the OperationPlan, encoded, then the set-up as OperationRunner::begin reads it.
  void begin(std::uint64_t operation, std::shared_ptr<const HeapPayload> message);
  [[nodiscard]] const OperationPlan& plan() const { return plan_; }
  void addItems(std::uint64_t first, std::uint64_t count) { scheduler_.addItems(first, count); }
  void closeItems() { scheduler_.closeItems(); }
  /// Hands out what can be, waits for what happens next, at most until `until` or until `wakeUp` is
  /// readable, and sees to it. Throws SystemError when no worker is left.
  void step(std::optional<Time> until, int wakeUp);
  /// Nothing more will happen: all items are done, or it was cancelled, and no chunk is in flight.
  [[nodiscard]] bool isFinished() const { return scheduler_.isFinished(); }
  /// Only when finished. `wakeUp`: see Backend::end.
  void end(int wakeUp) { backend_.end(wakeUp); }

  /// Ends the operation: owner.failed(), and cancel().
  void fail(const std::exception_ptr& error);
  /// Hands out nothing more. Workers do the item that they are on, and give back the others where
  /// chunks can be cut; what they have done counts.
  void windDown();
  /// Hands out nothing more. Workers leave their chunks at the next item; those that do not within
  /// half a second get SIGTERM, after two seconds more SIGKILL.
  void cancel();
  /// Busy workers are told to end now, and get SIGKILL after the grace; or at once with SIGKILL.
  void endWorkers(int signal, Time grace = std::chrono::seconds(2));

  /// Has the worker that has the item give it back, with those behind it, if it has not begun it.
  void takeBack(std::uint64_t item);

  [[nodiscard]] std::uint64_t doneItems() const { return scheduler_.doneItems(); }
  /// Neither done nor failed.
  [[nodiscard]] std::uint64_t openItems() const { return scheduler_.openItems(); }
  /// Of these, items that workers are through with, in chunks that are not done.
  [[nodiscard]] std::uint64_t itemsUnderWay() const;
  [[nodiscard]] std::uint64_t failedItems() const { return scheduler_.failedItems(); }
  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }
  [[nodiscard]] bool isCancelled() const { return scheduler_.isCancelled(); }
  /// Grows whenever something happens.
  [[nodiscard]] std::uint64_t eventCount() const { return eventCount_; }

 private:
  void workerReady(int worker, int capacity) override;
  void partDone(int worker, std::uint64_t first, std::uint64_t count, Time busy,
                ByteView results) override;
  void chunkDone(int worker, std::uint64_t chunk, Time busy, ByteView results) override;
  void chunkThrew(int worker, std::uint64_t chunk, std::uint64_t done, Time took,
                  std::vector<ExceptionInfo> chain, Origin origin) override;
  void attemptFailed(int worker, std::uint64_t item, std::exception_ptr error, Time took) override;
  void itemFailed(int worker, std::uint64_t item, std::exception_ptr error) override;
  void operationFailed(int worker, std::exception_ptr error) override;
  void chunkPassedOn(int worker, std::uint64_t chunk) override;
  void chunkAborted(int worker, std::uint64_t chunk, std::uint64_t done) override;
  void recallAnswered(int worker, std::uint64_t chunk, bool recalled) override;
  void shortened(int worker, std::uint64_t chunk, std::uint64_t given) override;
  void workerLost(int worker, std::optional<std::uint64_t> begun, Time took, ProcessStatus status,
                  Origin origin) override;
  void traced(int worker, ByteView records) override;
  void stopRequested(int signal, bool again) override;

  void performActions();
  void perform(const Scheduler::Action& action);
  void assign(const Scheduler::Action& action);
  void recordFailure(const Scheduler::Action& action);
  void recordAttempt(std::uint64_t item, const std::exception_ptr& error, Time took);
  void accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results);
  /// Of a chunk's items or results. Where they are many: smaller chunks from now on.
  void noteBytes(std::uint64_t items, std::size_t bytes);
  void traceRetry(int worker, const Chunk& chunk);
  void traceLoss(int worker, std::optional<std::uint64_t> begun, ProcessStatus status,
                 std::optional<std::uint64_t> item);
  void lookAtTheClock();
  void watchItems(Time now);
  [[nodiscard]] std::optional<Time> nextWakeUp() const;

  /// A chunk that a worker has.
  struct Flight {
    int worker = 0;
    Chunk chunk;
    Time since{0};
  };

  Backend& backend_;
  Owner& owner_;
  std::optional<ChunkTrace> trace_;
  OperationPlan plan_;
  ChunkLimit limit_;
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
