#pragma once

#include <concepts>
#include <csignal>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "procession/detail/process/managed_task.hpp"
#include "procession/process_manager_interface.hpp"
#include "procession/task_outcome.hpp"

namespace procession {

/// A task of a ProcessManager, seen from outside: its process, and its result.
///
/// start() begins the task ahead of the manager's run(), which then counts it among the running
/// ones. wait() blocks until the task is done for good, retries included. kill() signals the
/// process of the current attempt. Thread safety: as ProcessManager. The handle may outlive the
/// manager, whose destructor ends the process.
template <class Result>
class ManagedProcess final : public detail::ManagedProcessBase {
 public:
  using ManagedProcessBase::ManagedProcessBase;

  /// What the callback returned; as often as asked for. Throws std::logic_error before the end, and
  /// what happened after a failure: TaskError, WorkerLost, TaskTimeout, Interrupted.
  Result getOutput() const { return detail::decodeResult<Result>(getEnd()->result->view()); }
};

/// Runs tasks, each in a process of its own, a set number at a time.
///
///     ProcessManager manager;
///     for (const auto& file : files) manager.add([file] { return countLines(file); });
///     for (const TaskOutcome& outcome : manager.run(8)) std::cout << outcome.get<long>() << '\n';
///
/// As long as tasks are left, exactly `maxConcurrent` processes run: a task starts at once when
/// another has ended. Outcomes come in the order of add(), whichever ended first. Each task is run
/// by one run(); later ones run what was added since. What ForkProcess says of callbacks, exits and
/// isolation holds for tasks as well; inside a worker and with PROCESSION_BACKEND=serial they run
/// one after the other in this process, once each and without time limit.
///
/// On the ranks of a job, tasks that are portable (portable.hpp) and whose arguments can be carried
/// (serializable.hpp) run on all of them: the next goes to the rank that has the fewest in
/// proportion to its cores. Such a task sees memory as it was when Application::run began. Others
/// are forked by rank 0, and so is what another thread starts than that of Application::run.
/// `maxConcurrent` is of the whole job, and what errors and outcomes tell of hosts, ranks and
/// processes is of where the task ran.
///
/// SIGINT or SIGTERM during run(): nothing more is started, the processes get SIGTERM, and SIGKILL
/// after a grace of 2 s (300 ms under an MPI launcher) or at a second signal; when all are reaped,
/// Interrupted is thrown. Handlers of the program are called as well and are back in place
/// afterwards.
///
/// When the system has no room for another process or descriptor, run() goes on with the processes
/// it has and tries again as each ends; with none, SystemError names the limit and how to raise it.
///
/// Destroying the manager kills what runs (SIGKILL) and reaps it. It can be moved; a moved-from one
/// can only be destroyed or assigned.
///
/// Thread safety: add, getRunningCount, hasRunning, killAll and the handles may be used from any
/// thread while run() or wait() works in another. One run() at a time. killAll may even be called
/// from a signal handler. In a job only the thread of Application::run can wait for a task of
/// another rank (std::logic_error in others); signals that others or handlers ask for reach such a
/// task when that thread is next inside a call of this library.
class ProcessManager final : public ProcessManagerInterface {
 public:
  ProcessManager() : crew_(detail::makeTaskCrew()) {}
  ProcessManager(ProcessManager&&) noexcept = default;
  ProcessManager& operator=(ProcessManager&& other) noexcept;
  ~ProcessManager() override;

  /// Adds a task: `callback(arguments...)`. Starts nothing.
  template <class Callback, class... Arguments>
    requires detail::TaskCall<Callback, Arguments...>
  auto add(Callback&& callback, Arguments&&... arguments) {
    return add(TaskOptions{}, std::forward<Callback>(callback),
               std::forward<Arguments>(arguments)...);
  }

  /// Adds a task with a time limit or retries: `manager.add({.timeout = 30s, .retries = 2},
  /// callback)`. Throws std::invalid_argument for negative ones.
  template <class Callback, class... Arguments>
    requires detail::TaskCall<Callback, Arguments...>
  auto add(TaskOptions options, Callback&& callback, Arguments&&... arguments) {
    using Result = detail::TaskResult<Callback, Arguments...>;
    return std::make_shared<ManagedProcess<Result>>(
        crew_, detail::addTask(crew(),
                               detail::makeTask<Result>(std::forward<Callback>(callback),
                                                        std::forward<Arguments>(arguments)...),
                               options, typeid(Result)));
  }

  /// Runs the tasks, at most `maxConcurrent` at a time, and returns how each ended, in the order of
  /// add(). A failed task stops no other. Throws std::invalid_argument unless maxConcurrent is
  /// positive; Interrupted, SystemError. Whatever is thrown, no process is left, and the tasks that
  /// were not begun have that error as their outcome.
  std::vector<TaskOutcome> run(int maxConcurrent = 4) override;

  /// Runs tasks that all return Result, and returns what they returned, in the order of add(). The
  /// first failure ends the run: what runs is killed, the rest is not started, and the failure
  /// (that of the earliest task, if several are known) is thrown. Throws PayloadError, before it
  /// starts any, when a task returns another type.
  template <class Result>
  auto run(int maxConcurrent = 4) {
    const std::vector<TaskOutcome> outcomes =
        detail::runUniform(crew(), maxConcurrent, typeid(Result));
    if constexpr (!std::is_void_v<Result>) {
      std::vector<Result> results;
      results.reserve(outcomes.size());
      for (const TaskOutcome& outcome : outcomes) {
        results.push_back(outcome.get<Result>());
      }
      return results;
    }
  }

  /// Blocks until no process is running: those that handles started, or those of a run() in another
  /// thread.
  void wait() override;

  [[nodiscard]] int getRunningCount() const override;
  [[nodiscard]] bool hasRunning() const override { return getRunningCount() > 0; }

  /// Signals every running process. A run() that is under way starts nothing more: the tasks that
  /// wait for their turn have Interrupted as their outcome, the killed ones WorkerLost; none is
  /// retried. Async-signal-safe. Throws std::invalid_argument for a number that is no signal.
  void killAll(int signal = SIGTERM) override;

 private:
  [[nodiscard]] detail::TaskCrew& crew() const;

  std::shared_ptr<detail::TaskCrew> crew_;  // empty once moved from
};

}  // namespace procession
