#pragma once

#include <ostream>
#include <vector>

#include "scheduler/scheduler.hpp"

namespace procession::detail {

// How GoogleTest shows them.
inline void PrintTo(const Chunk& chunk, std::ostream* out) {
  *out << "#" << chunk.id << " [" << chunk.first << ", " << chunk.end() << ")";
}

inline void PrintTo(const Scheduler::Action& action, std::ostream* out) {
  constexpr const char* kNames[] = {"Assign", "Recall", "Kill", "Fail"};
  *out << kNames[static_cast<int>(action.type)] << " worker " << action.worker << ", chunk ";
  PrintTo(action.chunk, out);
  *out << ", item " << action.item;
}

}  // namespace procession::detail

namespace procession::test {

using detail::Chunk;
using detail::FailureKind;
using detail::Scheduler;
using detail::SchedulerOptions;
using detail::Time;
using Action = Scheduler::Action;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Everything the scheduler wants now.
inline std::vector<Action> actionsOf(Scheduler& scheduler, Time now = {}) {
  std::vector<Action> actions;
  while (const auto action = scheduler.nextAction(now)) {
    actions.push_back(*action);
  }
  return actions;
}

/// A scheduler for items [0, items) and workers 0, 1, ...
inline Scheduler makeScheduler(std::uint64_t items, int workers, SchedulerOptions options = {}) {
  Scheduler scheduler(options);
  scheduler.addItems(0, items);
  scheduler.closeItems();
  for (int worker = 0; worker < workers; ++worker) {
    scheduler.addWorker(worker, 1, Time{0});
  }
  return scheduler;
}

}  // namespace procession::test
