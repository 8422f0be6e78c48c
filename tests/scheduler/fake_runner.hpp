#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "scheduler/actions.hpp"

namespace procession::test {

/// What an item does to its worker.
enum class Fault {
  Throws,
  Dies,        // and its worker has told which item it is on
  DiesUnseen,  // nobody knows which item the worker was on
  Hangs,
};

struct Plan {
  std::uint64_t items = 0;
  int workers = 1;
  SchedulerOptions options{};
  std::function<Time(std::uint64_t item)> cost = [](std::uint64_t) { return microseconds(100); };

  struct Trouble {
    Fault fault = Fault::Throws;
    int attempts = 1;  // so many attempts end like this, later ones are good
  };
  std::map<std::uint64_t, Trouble> trouble{};
  std::vector<Time> killsFromOutside{};  // at these times a worker is killed
  std::optional<Time> cancelAt{};
  bool refuseRecalls = false;  // every other one, though the chunk was not begun

  Time latency = microseconds(25);  // of a message, each way
  Time overhead = microseconds(5);  // of a chunk, for its worker
  Time startUp = milliseconds(1);   // of a worker in the place of a lost one
  std::uint64_t seed = 0;           // chooses the workers to kill, and the ids of new ones
};

/// Runs items on workers that do not exist, in simulated time, with messages under way and
/// processes that die; checks after each action that the scheduler keeps its promises.
class FakeRunner {
 public:
  explicit FakeRunner(Plan plan);

  /// Until the scheduler is finished. What it does wrong is reported as GoogleTest failures.
  void run();

  [[nodiscard]] Time makespan() const { return makespan_; }
  [[nodiscard]] const std::vector<Action>& actions() const { return actions_; }
  [[nodiscard]] std::size_t count(Action::Type type) const;
  /// Fail actions by item.
  [[nodiscard]] const std::map<std::uint64_t, Action>& failures() const { return failures_; }
  [[nodiscard]] const Scheduler& scheduler() const { return scheduler_; }
  [[nodiscard]] std::uint64_t doneItems() const;
  [[nodiscard]] int lostWorkers() const { return lostWorkers_; }

 private:
  using WorkerId = Scheduler::WorkerId;
  enum class State { Open, InFlight, Done, Failed };

  struct Event {
    Time time;
    std::uint64_t order;
    std::function<void()> happen;
    bool operator>(const Event& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  /// A process: what it has got, and what it is on.
  struct Process {
    std::uint64_t life = 0;  // unique: tells a new worker from a lost one of the same id
    std::deque<Chunk> waiting;
    std::optional<Chunk> current;
    Time begun{0};
    std::uint64_t run = 0;  // of current, as it was planned last
  };

  void at(Time time, std::function<void()> happen);
  void tell(std::function<void()> event);  // the scheduler, after the latency
  void pump();
  void check(const Action& action);
  void carryOut(const Action& action);
  void checkAssign(const Action& action);
  void checkEnd();

  void add(WorkerId id);
  void receive(WorkerId id, std::uint64_t life, const Chunk& chunk);
  void begin(WorkerId id);
  void planEnd(WorkerId id);
  void end(WorkerId id, std::uint64_t life, std::optional<std::uint64_t> culprit, Time busy);
  void die(WorkerId id, bool timedOut, bool isSeen);
  void lose(WorkerId id, std::optional<std::uint64_t> item, bool timedOut);
  void answerRecall(WorkerId id, std::uint64_t life, std::uint64_t chunk);
  void wakeUp();
  bool giveEnd(WorkerId id, std::uint64_t chunk);
  [[nodiscard]] bool isTrouble(std::uint64_t item) const;
  /// What the process is on now, and since when.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, Time>> itemOf(const Process& process) const;

  Plan plan_;
  Scheduler scheduler_;
  std::mt19937_64 random_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t lastEvent_ = 0;
  Time now_{0};

  std::map<WorkerId, Process> processes_;                        // the living
  std::map<WorkerId, std::map<std::uint64_t, Chunk>> inFlight_;  // as the scheduler must see it
  std::set<std::uint64_t> recalled_;
  std::uint64_t lastLife_ = 0;
  WorkerId nextId_ = 0;
  int lostWorkers_ = 0;

  std::vector<State> states_;
  std::map<std::uint64_t, int> badAttempts_;  // as the scheduler must count them
  std::map<std::uint64_t, int> troubles_;     // that came true
  std::map<std::uint64_t, Action> failures_;
  std::vector<Action> actions_;
  std::optional<Time> wakeUpAt_;
  Time makespan_{0};
};

}  // namespace procession::test
