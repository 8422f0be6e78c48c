#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "process/attempt.hpp"
#include "procession/detail/process/managed_task.hpp"
#include "system/signal_scope.hpp"

namespace procession::detail {

using Clock = std::chrono::steady_clock;
inline constexpr auto kNever = Clock::time_point::max();

/// One task of a manager, from add() to its end. Guarded by the crew's lock.
struct ManagedTask {
  std::unique_ptr<Task> task;  // empty once it has ended
  TaskOptions options;
  const std::type_info* type = nullptr;
  std::size_t index = 0;  // in the order of add(), counted from the first task of its run

  std::unique_ptr<Attempt> attempt;  // while one runs in a process of its own
  bool isInline = false;             // one runs in this process
  int attempts = 0;
  Clock::time_point begun;             // of the last attempt
  std::optional<pid_t> pid;            // of the last attempt, once it is over or was started here
  bool isOfRun = false;                // a run() waits for it
  bool isTimedOut = false;             // this attempt was killed for its time limit
  bool isStopped = false;              // told to end: it is not tried again
  std::shared_ptr<const TaskEnd> end;  // once it is over, all attempts

  [[nodiscard]] bool isRunning() const { return attempt != nullptr || isInline; }
  [[nodiscard]] bool wasStarted() const { return attempts > 0 || end != nullptr; }
  /// When the attempt has to be killed; kNever: not at all, or not again.
  [[nodiscard]] Clock::time_point deadline() const;
};

using TaskPointer = std::shared_ptr<ManagedTask>;

/// A run() of a manager under way. Guarded by the crew's lock.
struct ManagedRun {
  int maxConcurrent = 0;
  bool stopsAtFailure = false;
  bool isInline = false;            // in this process, one task after the other
  sigset_t caught{};                // signals that have a handler
  SignalScope* signals = nullptr;   // of the thread that called run()
  std::vector<TaskPointer> tasks;   // in the order of add()
  std::deque<TaskPointer> waiting;  // for their first or next attempt
  std::size_t left = 0;             // tasks that have not ended
  bool isStarved = false;           // the system has no room for another process until one ends

  // Why nothing more is started; empty and false in good times.
  std::exception_ptr stop;            // Interrupted or SystemError: what run() throws
  bool isKilled = false;              // by killAll()
  std::optional<std::size_t> failed;  // the earliest failure, where failures stop the run
  bool isRestEnded = false;           // after a failure: the others were told to end

  int signalsHeeded = 0;
  bool isInterrupted = false;
  Clock::time_point killAt = kNever;  // when the grace after a signal is over

  [[nodiscard]] bool isStopping() const { return stop != nullptr || isKilled || failed; }
};

/// The compiled part of ProcessManager: runs its tasks' processes, and is the one place that knows
/// which are running.
///
/// All work is done by the threads that are inside run() or wait(); one at a time of them drives:
/// it starts, polls, reaps. The others wait for what they want to have come true, and take over
/// when the driver leaves. Where a remote process runs, only the thread of the ranks can drive: it
/// takes in what other ranks send.
///
/// The crew is the lock of its own state. A signal asked for by killAll() is noted first and sent
/// by whoever holds or gets the lock, so that a signal handler, which may not wait for it, can ask
/// as well.
class TaskCrew {
 public:
  TaskCrew();
  TaskCrew(const TaskCrew&) = delete;
  TaskCrew& operator=(const TaskCrew&) = delete;

  TaskPointer add(std::unique_ptr<Task> task, const TaskOptions& options,
                  const std::type_info& type);
  /// Runs what was added. With `uniformType` all must return it, and the first failure ends the run
  /// and is thrown.
  std::vector<TaskOutcome> run(int maxConcurrent, const std::type_info* uniformType);
  void wait();
  int getRunningCount();
  void killAll(int signal) noexcept;
  /// Ends everything; nothing can be started any more.
  void close() noexcept;

  // For the handles.
  void start(const TaskPointer& task);
  int wait(ManagedTask& task);
  ProcessStatus getStatus(ManagedTask& task);
  std::optional<int> getPid(const ManagedTask& task);
  std::shared_ptr<const TaskEnd> getEnd(ManagedTask& task);
  bool kill(ManagedTask& task, int signal);

  // As of a mutex. Throws std::logic_error in a process that inherited the crew by a fork.
  void lock();
  void unlock() noexcept;

 private:
  using Lock = std::unique_lock<TaskCrew>;

  // Starting and ending tasks: task_crew.cpp.
  void requireMine() const;
  void noteBegun(const TaskPointer& task, std::unique_ptr<Attempt> attempt);
  void runHere(const TaskPointer& task, Lock& lock);
  void finishAttempt(const TaskPointer& task);
  void takeBack(const TaskPointer& task, const SystemError& refusal);
  [[nodiscard]] bool mayGoOn(const ManagedTask& task) const;
  void beginAgain(const TaskPointer& task, TaskEnd end);
  void retryOrSettle(const TaskPointer& task, TaskEnd end);
  void settle(ManagedTask& task, TaskEnd end);
  void settleUnstarted(ManagedTask& task, std::exception_ptr error);
  void update();
  void sendAskedSignals() noexcept;
  void wakeDriver() noexcept;

  // Driving: task_crew_run.cpp.
  void beginRun(int maxConcurrent, const std::type_info* uniformType, SignalScope& signals);
  [[nodiscard]] bool isRunOver() const;
  std::vector<TaskOutcome> endRun();
  void abandonRun() noexcept;
  void driveUntil(Lock& lock, const std::function<bool()>& isDone);
  bool step(Lock& lock);
  void startWaiting(Lock& lock);
  bool startOne(const TaskPointer& task);
  void noteNoRoom(const SystemError& error);
  void dropWaiting();
  void endRest();
  void heedSignals();
  void interrupt(int signal, bool again);
  void signalRunning(int signal) noexcept;
  void enforceLimits();
  [[nodiscard]] int pollTimeout() const;
  void waitForEvents(Lock& lock);
  int pollEntries(Lock& lock);
  [[nodiscard]] bool hasRemote() const;

  std::atomic_flag isLocked_;
  std::atomic<std::uint64_t> askedSignals_ =
      0;  // bit n - 1: signal n is to be sent to all that run
  pid_t owner_;
  PrivateDescriptor wake_;  // an event: written to where the driver has to look anew

  bool isClosed_ = false;
  bool isDriven_ = false;
  std::condition_variable_any changed_;
  std::vector<TaskPointer> added_;    // since the last run
  std::vector<TaskPointer> running_;  // that have a process
  std::optional<ManagedRun> run_;

  // What the driver polls; kept for their memory.
  std::vector<pollfd> entries_;
  std::vector<TaskPointer> polled_;
};

}  // namespace procession::detail
