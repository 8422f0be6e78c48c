#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/operation_plan.hpp"
#include "procession/detail/wire/payload.hpp"
#include "procession/error.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::detail {

/// What happens in a backend, told to whoever drives it. Payloads hold during the call only.
class BackendEvents {
 public:
  virtual ~BackendEvents() = default;

  /// May be handed chunks from now on; `capacity`: how many processes stand behind it.
  virtual void workerReady(int worker, int capacity) = 0;
  virtual void chunkDone(int worker, std::uint64_t chunk, Time busy, ByteView results) = 0;
  /// The results of a run of items, a part of a chunk: from agents, whose chunkDone() brings none,
  /// and ahead of the end of a chunk of which not all is done. `busy`: the time their callbacks
  /// took, where it is known.
  virtual void partDone(int worker, std::uint64_t first, std::uint64_t count, Time busy,
                        ByteView results) = 0;
  /// `done` items at its beginning are done; then `origin.item` threw, after it `took` so long (0:
  /// not known). No item: the operation's set-up failed in the worker.
  virtual void chunkThrew(int worker, std::uint64_t chunk, std::uint64_t done, Time took,
                          std::vector<ExceptionInfo> chain, Origin origin) = 0;
  /// From agents: an attempt at the item failed, after it `took` so long. Told only where the plan
  /// tellsAttempts.
  virtual void attemptFailed(int /*worker*/, std::uint64_t /*item*/, std::exception_ptr /*error*/,
                             Time /*took*/) {}
  /// From agents: the item failed for good. Its chunk is answered as others are.
  virtual void itemFailed(int /*worker*/, std::uint64_t /*item*/, std::exception_ptr /*error*/) {}
  /// From agents: the operation cannot go on.
  virtual void operationFailed(int /*worker*/, std::exception_ptr /*error*/) {}
  /// From agents: the chunk is with their processes.
  virtual void chunkPassedOn(int /*worker*/, std::uint64_t /*chunk*/) {}
  /// Came back unfinished after stop(); so many of its items are `done`, from the first on, or,
  /// from agents, any.
  virtual void chunkAborted(int worker, std::uint64_t chunk, std::uint64_t done) = 0;
  virtual void recallAnswered(int worker, std::uint64_t chunk, bool recalled) = 0;
  /// Instead of it, or of its own accord: `given` items at the end of the chunk come back, the
  /// others are worked on.
  virtual void shortened(int worker, std::uint64_t chunk, std::uint64_t given) = 0;
  /// The worker is gone with its chunks. `origin.item` is the item it was on, which `took` so long
  /// (0: not known); `begun` the chunk it had begun, if any.
  virtual void workerLost(int worker, std::optional<std::uint64_t> begun, Time took,
                          ProcessStatus status, Origin origin) = 0;
  /// From agents: what PROCESSION_TRACE records of their workers, TraceRecord by TraceRecord.
  virtual void traced(int /*worker*/, ByteView /*records*/) {}
  /// From agents: their rank got a signal that asks it to stop; `again`: not its first.
  virtual void stopRequested(int /*signal*/, bool /*again*/) {}
};

/// An operation as workers get it.
struct OperationSetup {
  std::uint64_t id = 0;                                  // unique in the process, never 0
  ByteView bytes;                                        // for OperationRunner::begin
  std::shared_ptr<const HeapPayload> message = nullptr;  // for agents: the plan, then these bytes
  bool holdsResources = false;  // files or much memory, which workers are to release at the end,
                                // not at the next operation
  OperationPlan plan{};         // for agents
  const std::byte* items = nullptr;  // all of them, as they are sent, where they lie in memory
};

/// Moves chunks to workers and their answers back. Decides nothing: who gets what is the
/// scheduler's, what to do about a failure the caller's. One operation at a time.
class Backend {
 public:
  using Encoder = std::function<void(PayloadWriter&, std::uint64_t first, std::uint64_t count)>;

  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  /// Processes that run callbacks: as asked for, but for those that are known to have failed to
  /// start.
  [[nodiscard]] virtual int workerCount() const = 0;

  /// The most processes that stand behind one worker.
  [[nodiscard]] virtual int capacity() const { return 1; }
  /// Chunks that a worker should have at a time: with two it finds the next when it is through with
  /// one.
  [[nodiscard]] virtual int chunksInFlight() const { return 2; }
  /// Its workers are agents: they try items again, keep time limits and search for the items that
  /// end workers by themselves.
  [[nodiscard]] virtual bool isOfAgents() const { return false; }

  /// Starts an operation: every worker there is gets reported ready, and so does one that comes
  /// later.
  virtual void begin(const OperationSetup& setup, BackendEvents& events) = 0;
  virtual void send(int worker, const Chunk& chunk, const Encoder& encode) = 0;
  virtual void recall(int worker, std::uint64_t chunk, BackendEvents& events) = 0;
  /// Workers leave the operation's chunks at the next item and answer with chunkAborted.
  virtual void stop() = 0;
  virtual void signal(int worker, int signal) = 0;
  /// The item that a worker is on at this moment; empty between chunks.
  [[nodiscard]] virtual std::optional<std::uint64_t> currentItem(int worker) const = 0;
  /// Where and when a chunk was worked on. Asked for while an event about the chunk, or about the
  /// end of its worker, is being told.
  struct Span {
    pid_t process = 0;  // 0: not known
    Time begin{0};      // by the steady clock; 0: not begun, or not known
    Time end{0};        // 0: not finished
  };
  [[nodiscard]] virtual Span spanOf(int /*worker*/, std::uint64_t /*chunk*/) const { return {}; }
  /// Tells what happened; waits for the first event at most until `until` (steady clock), or until
  /// `wakeUp` is readable. Throws SystemError when no worker is left and none can be made.
  virtual void wait(std::optional<Time> until, int wakeUp, BackendEvents& events) = 0;
  /// No chunk is in flight any more; workers forget the operation. Returns at once, or, where the
  /// plan's shape awaitsEnds, when they have; those that take longer than the plan's timeout are
  /// killed, and so are all when `wakeUp` becomes readable.
  virtual void end(int wakeUp) = 0;
  /// Ends the workers, kindly; those that are still there after `grace` are killed. Afterwards only
  /// destruction.
  virtual void shutdown(Time grace) = 0;
};

/// The steady clock as the scheduler's time.
[[nodiscard]] inline Time steadyNow() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace procession::detail
