#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <vector>

#include "scheduler/scheduler.hpp"
#include "simulation/item_costs.hpp"

namespace procession::test {

/// A cluster, in the figures that matter to a hand-out.
struct Cluster {
  using Time = std::chrono::nanoseconds;

  int agents = 1;
  int workersPerAgent = 128;
  Time network = std::chrono::microseconds(20);    // a message between parent and agent
  Time local = std::chrono::microseconds(25);      // a message between agent and worker
  Time perMessage = std::chrono::microseconds(5);  // the parent's work for a message, either way
  Time perChunk = std::chrono::microseconds(5);    // a worker's work for a chunk
};

/// One operation on such a cluster, event by event: a parent whose workers are agents, and agents
/// whose workers are processes, each with the same Scheduler. Messages take time, and so does the
/// parent for each of them.
///
/// An agent keeps the parent's next chunk to itself until its workers need it, so that it can give
/// it back.
class ClusterSimulation {
 public:
  using Time = Cluster::Time;

  ClusterSimulation(const Cluster& cluster, std::uint64_t items, const ItemCosts& costs);

  /// Until all items are done. Throws std::logic_error when an item is done twice, or nothing
  /// happens any more.
  void run();

  [[nodiscard]] Time makespan() const { return now_; }
  /// All work, evenly shared.
  [[nodiscard]] Time evenShare() const;
  [[nodiscard]] std::uint64_t parentMessages() const { return parentMessages_; }
  [[nodiscard]] std::uint64_t workerChunks() const { return workerChunks_; }
  [[nodiscard]] std::uint64_t recalls() const { return recalls_; }
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
    RecallAtWorker,
    AnswerAtAgent,
  };

  struct Event {
    Kind kind = Kind::ParentStep;
    bool isYes = false;  // of an answer
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

  /// A process works through its chunks without a pause, so the end of each is known when it is
  /// sent.
  struct Worker {
    Time free{0};                      // when it has done all its chunks
    Chunk last{};                      // the last of them,
    Time lastBegins{0};                // and when it begins it
    std::vector<std::uint64_t> given;  // chunks that were given back: they will not be done
  };

  struct Received {
    Chunk chunk;
    std::uint64_t toPassOn = 0;
    std::uint64_t toDo = 0;
    Time busy{0};
  };

  struct Agent {
    Scheduler scheduler{detail::SchedulerOptions{}};
    std::vector<Worker> workers;
    std::deque<Chunk> kept;          // not passed on
    std::vector<Received> received;  // passed on, not done
  };

  void post(Time time, const Event& event);
  void happen(const Event& event);
  void toParent(const Event& event);
  void parentStep();
  void parentHears(const Event& event);
  void parentActs(const Action& action);
  void feed(int id);
  void agentActs(int id, const Action& action);
  void assign(int id, int worker, const Chunk& chunk);
  void workerDone(const Event& event);
  void credit(int id, const Chunk& chunk, Time busy);
  void passOn(int id, const Chunk& chunk);
  void recallAtAgent(const Event& event);
  void recallAtWorker(const Event& event);
  void markDone(const Chunk& chunk);

  Cluster cluster_;
  std::uint64_t items_;
  const ItemCosts& costs_;
  Scheduler parent_;
  std::vector<Agent> agents_;
  std::queue<Event> inbox_;  // of the parent
  bool parentIsBusy_ = false;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<Event> events_;
  std::vector<std::size_t> freePlaces_;  // in events_
  std::uint64_t lastEvent_ = 0;
  Time now_{0};
  std::vector<bool> done_;
  std::uint64_t doneItems_ = 0;
  std::uint64_t parentMessages_ = 0;
  std::uint64_t workerChunks_ = 0;
  std::uint64_t recalls_ = 0;
  std::uint64_t schedulerCalls_ = 0;
};

}  // namespace procession::test
