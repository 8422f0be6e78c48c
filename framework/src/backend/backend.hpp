#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
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
  /// From agents, whose chunkDone() brings no results: those of a run of items, a part of a chunk.
  virtual void partDone(int /*worker*/, std::uint64_t /*first*/, std::uint64_t /*count*/,
                        ByteView /*results*/) {}
  /// `item` is empty when no item had begun: the operation's set-up failed in the worker.
  virtual void chunkThrew(int worker, std::uint64_t chunk, std::optional<std::uint64_t> item,
                          std::vector<ExceptionInfo> chain, Origin origin) = 0;
  /// From agents: the item failed for good. Its chunk is answered as others are.
  virtual void itemFailed(int /*worker*/, std::uint64_t /*item*/, std::exception_ptr /*error*/) {}
  /// From agents: the operation cannot go on.
  virtual void operationFailed(int /*worker*/, std::exception_ptr /*error*/) {}
  /// From agents: the chunk is with their processes.
  virtual void chunkPassedOn(int /*worker*/, std::uint64_t /*chunk*/) {}
  /// Came back unfinished after stop().
  virtual void chunkAborted(int worker, std::uint64_t chunk) = 0;
  virtual void recallAnswered(int worker, std::uint64_t chunk, bool recalled) = 0;
  /// The worker is gone with its chunks. `origin.item` is the item it was on; `begun` the chunk it
  /// had begun, if any.
  virtual void workerLost(int worker, std::optional<std::uint64_t> begun, ProcessStatus status,
                          Origin origin) = 0;
  /// From agents: their rank got a signal that asks it to stop; `again`: not its first.
  virtual void stopRequested(int /*signal*/, bool /*again*/) {}
};

/// An operation as workers get it.
struct OperationSetup {
  std::uint64_t id = 0;         // unique in the process, never 0
  ByteView bytes;               // for OperationRunner::begin
  bool holdsResources = false;  // files or much memory, which workers are to release at the end,
                                // not at the next operation
  OperationPlan plan{};         // for agents
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
  /// Tells what happened; waits for the first event at most until `until` (steady clock), or until
  /// `wakeUp` is readable. Throws SystemError when no worker is left and none can be made.
  virtual void wait(std::optional<Time> until, int wakeUp, BackendEvents& events) = 0;
  /// No chunk is in flight any more; workers forget the operation.
  virtual void end() = 0;
  /// Ends the workers, kindly; those that are still there after `grace` are killed. Afterwards only
  /// destruction.
  virtual void shutdown(Time grace) = 0;
};

/// The steady clock as the scheduler's time.
[[nodiscard]] inline Time steadyNow() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace procession::detail
