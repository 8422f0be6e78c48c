#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <queue>
#include <random>
#include <vector>

#include "scheduler/chunk_relay.hpp"
#include "scheduler/scheduler.hpp"
#include "simulation/item_costs.hpp"

namespace procession::test {

/// A cluster, in the figures that matter to a hand-out. The parent's costs are what parent_cost and
/// the row `message` of the benchmarks found, rounded up: a quarter to a third of a microsecond a
/// message for the pool and the scheduler, and up to 1.8 for MPI in shared memory; 0.07 ns a byte
/// for each.
struct Cluster {
  using Time = std::chrono::nanoseconds;

  int agents = 1;
  int workersPerAgent = 128;
  Time network = std::chrono::microseconds(20);    // a message between parent and agent
  Time local = std::chrono::microseconds(25);      // a message between agent and worker
  Time perMessage = std::chrono::microseconds(2);  // the parent's work for a message, either way,
  double perByte = 0.2;                            // and for each byte of it, ns
  Time perChunk = std::chrono::microseconds(5);    // a worker's work for a chunk
  std::uint64_t itemBytes = 0;                     // that the parent sends for an item,
  std::uint64_t resultBytes = 0;                   // and gets for its result
  Time worthwhile = detail::SchedulerOptions{}.worthwhile;  // of the parent's chunks
  double stragglers = 0;                                    // part of the workers that are slow,
  double slowness = 1;                                      // and take so many times as long
  Time life{0};  // of a worker, on average, until it dies with what it has; 0: for ever
  Time birth = std::chrono::milliseconds(1);  // until another has taken its place
};

/// One operation on such a cluster, event by event: a parent whose workers are agents, and agents
/// whose workers are processes, each with the same Scheduler. Messages take time, and so does the
/// parent for each of them.
///
/// Agents pass chunks on by the same ChunkRelay. The parent tells every agent when the operation
/// begins and when it is over. Items whose worker died are tried again, as often as it takes.
///
/// It checks as it goes, and throws std::logic_error: every item is done once; no worker and no
/// agent idles while there are items for it; none has more chunks than the scheduler may hand it.
class ClusterSimulation {
 public:
  using Time = Cluster::Time;

  ClusterSimulation(const Cluster& cluster, std::uint64_t items, const ItemCosts& costs);

  /// Until all items are done. Throws std::logic_error, also when nothing happens any more.
  void run();

  [[nodiscard]] Time makespan() const { return now_; }
  /// All work, evenly shared: by workers of equal speed, or in proportion to it.
  [[nodiscard]] Time evenShare() const;
  [[nodiscard]] std::uint64_t parentMessages() const { return parentMessages_; }
  /// That the parent spent on messages.
  [[nodiscard]] Time parentBusy() const { return parentBusy_; }
  [[nodiscard]] std::uint64_t workerChunks() const { return workerChunks_; }
  [[nodiscard]] std::uint64_t recalls() const { return recalls_; }
  [[nodiscard]] std::uint64_t deaths() const { return deaths_; }
  /// That workers spent on what died with them, or waited for their successors, a worker.
  [[nodiscard]] Time lostShare() const;
  /// Messages that waited for the parent.
  [[nodiscard]] std::size_t longestQueue() const { return longestQueue_; }
  /// Of the parent's chunks at one agent, those that were passed on among them.
  [[nodiscard]] std::size_t mostChunksOfAgent() const { return mostChunksOfAgent_; }
  [[nodiscard]] std::uint64_t doneItems() const { return doneItems_; }
  /// Calls of schedulers that told an event or took an action.
  [[nodiscard]] std::uint64_t schedulerCalls() const { return schedulerCalls_; }

 private:
  using Scheduler = detail::Scheduler;
  using Chunk = detail::Chunk;
  using Action = Scheduler::Action;

  enum class Kind : std::uint8_t {
    ChunkAtAgent,
    RecallAtAgent,
    DoneAtParent,
    PassedOnAtParent,
    AnswerAtParent,
    ParentStep,
    DoneAtAgent,
    WorkerDies,
    LossAtAgent,
    WorkerReady,
  };

  struct Event {
    Kind kind = Kind::ParentStep;
    std::uint64_t given = 0;  // items at the end of the chunk that an answer gives back
    int agent = 0;
    int worker = 0;
    Chunk chunk{};
    Time busy{0};
  };

  /// When an event happens, and where it is kept: small, as millions wait.
  struct Due {
    Time time;
    std::uint64_t order;
    std::size_t place;
    bool operator>(const Due& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  struct Job {
    Chunk chunk;
    Time begins{0};
    Time ends{0};
  };

  /// A process works through its chunks without a pause, so the end of each is known when it is
  /// sent, unless part of it is given back, or it dies.
  struct Worker {
    double slowness = 1;
    std::deque<Job> jobs;  // whose end the agent has not heard of
    bool isAlive = true;
    std::optional<std::uint64_t> lastItem;  // that it was on when it died
  };

  struct Agent {
    Scheduler scheduler{detail::SchedulerOptions{
        .retries = std::numeric_limits<int>::max(), .splitsChunks = true, .keepBackDear = true}};
    detail::ChunkRelay relay{scheduler, /*wholeChunks=*/false};
    std::vector<Worker> workers;
    std::size_t chunks = 0;                  // of the parent's,
    std::vector<std::uint64_t> notPassedOn;  // and of these, that are not all with the workers
  };

  void post(Time time, const Event& event);
  void happen(const Event& event);
  void toParent(const Event& event);
  void parentStep();
  /// What the parent does for so many messages.
  Time spend(std::uint64_t messages, std::uint64_t bytes);
  void parentHears(const Event& event);
  void parentActs(const Action& action, Time takes);
  void feed(int id);
  void agentActs(int id, const Action& action);
  void assign(int id, int worker, const Chunk& chunk);
  void workerDone(const Event& event);
  void answerParent(int id);
  void chunkAtAgent(const Event& event);
  void recallAtAgent(const Event& event);
  void recallAtWorker(int id, const Action& recall);
  std::uint64_t takeEnd(int id, const Action& recall);
  void workerDies(const Event& event);
  void lossAtAgent(const Event& event);
  void expectDeath(int id, int number);
  Worker& workerOf(const Event& event);
  [[nodiscard]] Time busyTime(const Worker& worker, const Chunk& chunk) const;
  /// Items of the job that are done at this moment.
  [[nodiscard]] std::uint64_t doneOf(const Worker& worker, const Job& job) const;
  void postEnd(int id, int number, const Worker& worker, const Job& job);
  void markDone(const Chunk& chunk);

  Cluster cluster_;
  std::uint64_t items_;
  const ItemCosts& costs_;
  Scheduler parent_;
  std::deque<Agent> agents_;  // which do not move
  std::queue<Event> inbox_;   // of the parent
  bool parentIsBusy_ = false;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<Event> events_;
  std::vector<std::size_t> freePlaces_;  // in events_
  std::uint64_t lastEvent_ = 0;
  Time now_{0};
  std::vector<bool> done_;
  std::uint64_t doneItems_ = 0;
  std::uint64_t parentMessages_ = 0;
  Time parentBusy_{0};
  std::uint64_t workerChunks_ = 0;
  std::uint64_t recalls_ = 0;
  std::uint64_t schedulerCalls_ = 0;
  std::uint64_t deaths_ = 0;
  Time lost_{0};
  double speed_ = 0;  // of all workers
  std::size_t longestQueue_ = 0;
  std::size_t mostChunksOfAgent_ = 0;
  std::mt19937_64 random_{1};
};

}  // namespace procession::test
