#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <vector>

namespace procession::detail {

/// Time as the scheduler knows it: since some fixed start, told by its events.
using Time = std::chrono::nanoseconds;

/// A contiguous run of items, handed out at once.
struct Chunk {
  std::uint64_t id = 0;     // unique within the scheduler; never reused
  std::uint64_t first = 0;  // index of the first item
  std::uint64_t count = 0;  // items; at least one

  [[nodiscard]] std::uint64_t end() const { return first + count; }
  friend bool operator==(const Chunk&, const Chunk&) = default;
};

struct SchedulerOptions {
  std::uint64_t leafItems = 1;  // chunk boundaries fall on multiples of this (and on the end of the items)
  bool wholeNodes = false;      // reductions: a chunk is one node of the reduction tree: 2^k leaves, aligned, or clipped at the end
  std::uint64_t maxChunkItems = std::numeric_limits<std::uint64_t>::max();  // from chunkSize, or from the bytes that fit a slot
  int retries = 0;              // how often an item is tried again after a failure or a lost worker
  bool stopAtFailure = true;    // the first item that failed for good ends the hand-out
  Time timeout{0};              // an item may take this long; 0: for ever
  int chunksInFlight = 2;       // per worker: the one it works on and the next
  Time worthwhile = std::chrono::milliseconds(1);  // a chunk should last this long, so that its hand-over is cheap
};

/// Why an item's attempt did not bring a result.
enum class FailureKind { Threw, WorkerLost, TimedOut };

/// Decides which worker gets which items next: guided self-scheduling, retries, the search for the item that killed a
/// worker, recalls for stragglers, time-outs. A pure state machine: events in, actions out; it does no I/O, reads no
/// clock, starts no process and sends nothing, so that 10,000 simulated nodes run in a unit test.
///
/// Two levels use the same class: the parent, whose workers are agents (capacity: their worker count), and each agent,
/// whose workers are processes (capacity 1) and whose items arrive in pieces.
///
///     Scheduler scheduler(options);
///     scheduler.addItems(0, n);
///     scheduler.closeItems();
///     scheduler.addWorker(0, 1, now);
///     while (!scheduler.isFinished()) {
///       while (auto action = scheduler.nextAction(now)) { ... carry it out ... }
///       ... wait for an event, at most until scheduler.nextWakeUp(); tell the scheduler ...
///     }
class Scheduler {
 public:
  using WorkerId = int;

  /// What the owner has to do. `failure` tells which kind when type is Fail.
  struct Action {
    enum class Type {
      Assign,  // send `chunk` to `worker`
      Recall,  // ask `worker` to give `chunk` back if it has not begun it; answer with recalled() or recallRefused()
      Kill,    // end `worker`: its item exceeded the time limit; answer with workerLost()
      Fail,    // `item` failed for good, after `attempts` attempts
    };
    Type type = Type::Assign;
    WorkerId worker = -1;
    Chunk chunk{};
    std::uint64_t item = 0;
    FailureKind failure = FailureKind::Threw;
    int attempts = 0;
  };

  explicit Scheduler(SchedulerOptions options);

  // Items.

  /// More work: items [first, first + count). The parent calls it once with everything.
  void addItems(std::uint64_t first, std::uint64_t count);
  /// No more addItems() will come.
  void closeItems();

  // Events. `now` never goes back.

  /// A worker (or agent with `capacity` workers) is ready for chunks.
  void addWorker(WorkerId worker, int capacity, Time now);
  /// All items of the chunk are done; `busy` is the time its callbacks took, summed over the chunk.
  void chunkDone(WorkerId worker, std::uint64_t chunk, Time busy, Time now);
  /// The callback threw on `item`; nothing of the chunk came back. The chunk's other items are handed out again, `item` alone.
  void itemFailed(WorkerId worker, std::uint64_t chunk, std::uint64_t item, Time now);
  /// The worker is gone with all its chunks. `item`: the one it was on, if it had begun one (must lie in one of its chunks,
  /// else it counts as not known: then the chunk it was on is searched by running its items one by one).
  /// `timedOut`: it was ended after a Kill action. Without an item and without a chunk it merely leaves.
  void workerLost(WorkerId worker, std::optional<std::uint64_t> item, bool timedOut, Time now);
  /// Answers to Recall.
  void recalled(WorkerId worker, std::uint64_t chunk, Time now);
  void recallRefused(WorkerId worker, std::uint64_t chunk, Time now);
  /// For time limits: the worker is on `item` since `since`. Called for workers when nextWakeUp() has come.
  void observed(WorkerId worker, std::uint64_t item, Time since, Time now);
  /// Back-pressure: hand out nothing new while held (results wait to be merged or consumed).
  void hold(bool held);
  /// Hand out nothing more; chunks in flight are awaited. Used for failures, interrupts and deadlines.
  void cancel();

  // Actions and state.

  /// The next thing to do, or nothing until the next event.
  std::optional<Action> nextAction(Time now);
  /// When time limits have to be looked at; empty: only events matter.
  [[nodiscard]] std::optional<Time> nextWakeUp() const;
  /// Every item is done or failed (or the scheduler was cancelled), nothing is in flight, and no action waits.
  [[nodiscard]] bool isFinished() const;
  [[nodiscard]] bool isCancelled() const;
  /// No worker is left while items are open: the owner must add one or give up.
  [[nodiscard]] bool isStranded() const;
  [[nodiscard]] std::uint64_t doneItems() const;
  [[nodiscard]] std::uint64_t failedItems() const;
  [[nodiscard]] std::uint64_t openItems() const;      // neither done nor failed
  [[nodiscard]] std::size_t chunksInFlight() const;
};

}  // namespace procession::detail
