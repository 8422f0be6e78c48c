#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "scheduler/chunk_size.hpp"
#include "scheduler/open_items.hpp"

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
  // Chunk boundaries fall on multiples of this and on the end of the items. Only an item that
  // failed is cut out of its leaf, where `wholeNodes` allows it.
  std::uint64_t leafItems = 1;
  // For reductions: a chunk is one node of the reduction tree: 2^k leaves, aligned, or clipped at
  // the end. A leaf is then the smallest unit, also for an item that failed.
  bool wholeNodes = false;
  // From chunkSize, or from the bytes that fit a slot. A leaf is never cut for it.
  std::uint64_t maxChunkItems = std::numeric_limits<std::uint64_t>::max();
  int retries = 0;            // how often an item is tried again after a failure or a lost worker
  bool stopAtFailure = true;  // the first item that failed for good ends the hand-out
  Time timeout{0};            // an item may take this long; 0: for ever
  int chunksInFlight =
      2;  // per worker: the one it works on and the next; an agent's that are not passed on
  Time worthwhile = std::chrono::milliseconds(1);  // a chunk should last this long, so that its
                                                   // hand-over is cheap
  // Workers can give back the end of a chunk that they have begun. Not with wholeNodes.
  bool splitsChunks = false;
  // For agents: leaves that are dear, or may be for all that is known, are handed to idle workers
  // only. What waits behind a busy one the parent could not give to another agent.
  bool keepBackDear = false;
};

/// A leaf that lasts as long is dear: what a message costs does not matter beside it.
inline constexpr Time kDear = std::chrono::milliseconds(10);

/// Why an item's attempt did not bring a result.
enum class FailureKind { Threw, WorkerLost, TimedOut };

/// Decides which worker gets which items next: guided self-scheduling, retries, the search for the
/// item that killed a worker, recalls for stragglers, time-outs. A pure state machine: events in,
/// actions out; it does no I/O, reads no clock, starts no process and sends nothing, so that 10,000
/// simulated nodes run in a unit test.
///
/// Two levels use the same class: the parent, whose workers are agents (capacity: their worker
/// count), and each agent, whose workers are processes (capacity 1) and whose items arrive in
/// pieces.
///
///     Scheduler scheduler(options);
///     scheduler.addItems(0, n);
///     scheduler.closeItems();
///     scheduler.addWorker(0, 1, now);
///     while (!scheduler.isFinished()) {
///       while (auto action = scheduler.nextAction(now)) { ... carry it out ... }
///       ... wait for an event, at most until scheduler.nextWakeUp(); tell the scheduler ...
///       ... when nextWakeUp() has come: observed() for every worker that is on an item ...
///     }
///
/// Complexity: O(log w + log r) an event or action, for w workers and r ranges of open items; O(w +
/// r) memory, nothing an item. The same events give the same actions. Throws std::logic_error for
/// events that cannot be: an unknown worker, or a chunk that the worker does not have.
class Scheduler {
 public:
  using WorkerId = int;

  /// What the owner has to do. `failure` tells which kind when type is Fail.
  struct Action {
    enum class Type {
      Assign,  // send `chunk` to `worker`
      Recall,  // ask `worker` to give `chunk` back if it has not begun it; answer with recalled()
               // or recallRefused()
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
  /// With wholeNodes: all items, or a node of the reduction tree over all items.
  void addItems(std::uint64_t first, std::uint64_t count);
  /// Takes back what waits of these items at their end, without a gap; not what failed before,
  /// whose attempts are counted here. Returns how many.
  std::uint64_t withdrawItems(std::uint64_t first, std::uint64_t count);
  /// No more addItems() will come.
  void closeItems();

  // Events. `now` never goes back.

  /// A worker (or agent with `capacity` workers) is ready for chunks. The id of a lost worker may
  /// be used again.
  void addWorker(WorkerId id, int capacity, Time now);
  /// All items of the chunk are done; `busy` is the time its callbacks took, summed over the chunk.
  void chunkDone(WorkerId id, std::uint64_t chunk, Time busy, Time now);
  /// The callback threw on `item`; of the chunk so many items at its beginning are `done` (none
  /// with wholeNodes). Its other items are handed out again, and `item` alone, while it has
  /// attempts left.
  void itemFailed(WorkerId id, std::uint64_t chunk, std::uint64_t item, std::uint64_t done,
                  Time now);
  /// From agents: every item of the chunk is with one of its processes, so that there is room for
  /// the next chunk. Without it an agent would wait for the slowest item of a chunk before it gets
  /// another.
  void chunkPassedOn(WorkerId id, std::uint64_t chunk, Time now);
  /// The chunk came back unfinished, by no fault of an item, as after cancel(): so many items at
  /// its beginning are `done`, the others open again. (From agents, which send it after cancel()
  /// only, any are done: nothing is handed out any more.)
  void chunkAborted(WorkerId id, std::uint64_t chunk, std::uint64_t done, Time now);
  /// The worker is gone with all its chunks. `item`: the one it was on, if it had begun one (must
  /// lie in one of its chunks, else it counts as not known: then the chunk it was on, its oldest,
  /// is searched: run in 64 pieces, the piece that kills a worker again in 64 pieces, down to the
  /// item). `timedOut`: it was ended after a Kill action, which named the item. Without a chunk it
  /// merely leaves. After cancel() nothing is searched: leave `item` empty for workers that were
  /// ended on purpose, and nothing is blamed.
  void workerLost(WorkerId id, std::optional<std::uint64_t> item, bool timedOut, Time now);
  /// Answers to Recall. A chunk that was done before the Recall arrived may be answered with
  /// recallRefused(), or not at all.
  void recalled(WorkerId id, std::uint64_t chunk, Time now);
  void recallRefused(WorkerId id, std::uint64_t chunk, Time now);
  /// Another answer, and what may also come unasked: `given` items at the end of the chunk come
  /// back, the worker keeps the others.
  void shortened(WorkerId id, std::uint64_t chunk, std::uint64_t given, Time now);
  /// For time limits: the worker is on `item` since `since`. Called for workers when nextWakeUp()
  /// has come, before nextAction().
  void observed(WorkerId id, std::uint64_t item, Time since, Time now);
  /// Chunks are to have at most this many items from now on (at least a leaf): what they bring back
  /// turned out to be large.
  void limitChunkItems(std::uint64_t most);
  /// Chunks should last for so long, if that is longer than before: what they bring back is dear to
  /// hand over.
  void raiseWorthwhile(Time worthwhile) { size_.raiseWorthwhile(worthwhile); }
  /// Back-pressure: hand out nothing new while held (results wait to be merged or consumed).
  void hold(bool held);
  /// Hand out nothing more; chunks in flight are awaited. Used for failures, interrupts and
  /// deadlines.
  void cancel();

  // Actions and state.

  /// A Recall of the chunk that has the item, for an owner who wants it back whoever idles; nothing
  /// when no worker has it, or one is on it, or was asked before.
  std::optional<Action> recallOf(std::uint64_t item);
  /// The next thing to do, or nothing until the next event. Failures come first; the lowest item of
  /// all Fail actions until isFinished() is the one to report.
  std::optional<Action> nextAction(Time now);
  /// When nextAction() will ask chunks back that last longer than they should; empty: only events
  /// matter.
  [[nodiscard]] std::optional<Time> nextRecall() const;
  /// When time limits have to be looked at; empty: only events matter.
  [[nodiscard]] std::optional<Time> nextWakeUp() const;
  /// Every item is done or failed (or the scheduler was cancelled), nothing is in flight, and no
  /// action waits.
  [[nodiscard]] bool isFinished() const;
  [[nodiscard]] bool isCancelled() const { return cancelled_; }
  /// No worker is left while items are open: the owner must add one or give up.
  [[nodiscard]] bool isStranded() const;
  [[nodiscard]] std::uint64_t doneItems() const { return doneItems_; }
  [[nodiscard]] std::uint64_t failedItems() const { return failedItems_; }
  /// Neither done nor failed.
  [[nodiscard]] std::uint64_t openItems() const { return allItems_ - doneItems_ - failedItems_; }
  /// Of these, not handed out. An agent asks for it, to pass on its parent's chunks no earlier than
  /// its workers need them: what it has not passed on it can give back.
  [[nodiscard]] std::uint64_t waitingItems() const { return open_.count(); }
  /// Workers without a chunk.
  [[nodiscard]] std::size_t idleWorkers() const { return idleWorkers_; }
  /// At the moment idle workers alone are handed anything: see SchedulerOptions::keepBackDear.
  [[nodiscard]] bool keepsBack() const { return options_.keepBackDear && mayBeDear(); }
  [[nodiscard]] std::size_t chunksInFlight() const { return chunksInFlight_; }

 private:
  // No chunk is meant to last as long, except those that are large because there are thousands of
  // agents: some item of it is dearer than others were.
  static constexpr Time kOverdue = std::chrono::milliseconds(100);

  struct Flight {
    enum class Recall {
      NotAsked,
      Asked,
      Answered,  // and may be asked for its end later
    };

    Chunk chunk;
    std::uint64_t sourceEnd = 0;
    std::uint64_t pieceLimit = OpenRange::kNoLimit;
    Time since{0};             // handed out, or answered
    Time patience = kOverdue;  // until it is asked back nevertheless
    Recall recall = Recall::NotAsked;
    bool isPassedOn = false;
  };

  // Most worthy of the next chunk first: fewest chunks in flight, then waiting for the longest
  // time.
  using ReadyKey = std::tuple<std::size_t, std::uint64_t, WorkerId>;
  // Most worth a recall first: nothing of it begun (0), begun (1), asked before (2); most items;
  // handed out earliest, as the worker is likely to be stuck.
  using RecallKey = std::tuple<int, std::uint64_t, std::uint64_t, int>;

  struct Worker {
    std::uint64_t capacity = 1;
    std::vector<Flight> flights;  // oldest first: that one it works on
    std::size_t load = 0;         // of these, not passed on
    std::uint64_t waitingSince = 0;
    std::optional<Time> limitCheck;             // its item cannot exceed the time limit before
    std::optional<std::uint64_t> killItem;      // the item for which it is being ended
    std::vector<std::uint64_t> crossedRecalls;  // chunks that came back before the Recall's answer
  };
  using Workers = std::map<WorkerId, Worker>;

  // Events, in parts.
  Workers::iterator find(WorkerId id);
  static std::vector<Flight>::iterator findFlight(Workers::value_type& worker, std::uint64_t chunk);
  static std::vector<Flight>::iterator findFlightOf(Worker& worker, std::uint64_t item);
  Flight takeFlight(Workers::value_type& entry, std::uint64_t chunk, Time now);
  void endRecall(Worker& worker, const Flight& flight);
  void settleBeginning(Flight& flight, std::uint64_t done);
  void reopen(const Flight& flight);
  void blame(const Flight& flight, std::uint64_t item, FailureKind kind);
  void search(Flight flight);

  // The unit that is handed out alone when `item` fails: the item, or its leaf in wholeNodes mode.
  [[nodiscard]] std::uint64_t unitItems() const {
    return options_.wholeNodes ? options_.leafItems : 1;
  }
  [[nodiscard]] std::uint64_t unitFirst(std::uint64_t item) const {
    return item - item % unitItems();
  }

  // Hand-out (hand_out.cpp).
  std::optional<Action> assign(Time now);
  std::optional<Action> recall(Time now);
  Action ask(WorkerId id, Flight& flight);
  [[nodiscard]] Time recallTime(const Worker& worker) const;
  [[nodiscard]] bool isRecallWanted() const {
    return idleWorkers_ > openRecalls_ && !recallable_.empty();
  }
  [[nodiscard]] std::uint64_t wantedItems(const Worker& worker) const;
  [[nodiscard]] std::uint64_t cut(const OpenRange& range, std::uint64_t wanted) const;
  [[nodiscard]] std::uint64_t cutNode(const OpenRange& range, std::uint64_t wanted) const;

  // A worker is in the indexes below while its state stands still: unfile, change, file.
  void file(WorkerId id, Worker& worker);
  void unfile(WorkerId id, Worker& worker);
  [[nodiscard]] bool mayBeDear() const { return size_.mayLast(options_.leafItems, kDear); }
  [[nodiscard]] bool mayGetMore(const Worker& worker) const;
  [[nodiscard]] bool isRecallable(const Worker& worker) const;
  static RecallKey recallKey(WorkerId id, const Worker& worker);

  SchedulerOptions options_;
  ChunkSize size_;

  OpenItems open_;
  std::map<std::uint64_t, int> failures_;  // of items that failed and were not done since
  std::uint64_t allItems_ = 0;
  std::uint64_t doneItems_ = 0;
  std::uint64_t failedItems_ = 0;
  bool closed_ = false;
  bool held_ = false;
  bool cancelled_ = false;

  Workers workers_;
  std::set<ReadyKey> ready_;
  std::set<RecallKey> recallable_;
  std::set<std::pair<Time, WorkerId>> limitChecks_;
  std::uint64_t allCapacity_ = 0;   // of workers that may work
  std::uint64_t freeCapacity_ = 0;  // the same, once for each further chunk that fits
  std::size_t idleWorkers_ = 0;
  std::size_t openRecalls_ = 0;  // asked, not answered, and the chunk still in flight
  std::size_t chunksInFlight_ = 0;
  std::uint64_t lastChunk_ = 0;
  std::uint64_t lastWaiting_ = 0;
  Time nextLimitCheck_{0};  // not before: nothing was to be observed at the last one

  std::deque<Action> failed_;
  std::deque<WorkerId> kills_;
};

}  // namespace procession::detail
