#include "process/task_crew.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <string>

#include "process/task_attempt.hpp"
#include "procession/error.hpp"

namespace procession::detail {

Clock::time_point ManagedTask::deadline() const {
  const bool isLimited = options.timeout.count() > 0 && !isTimedOut;
  return isLimited ? begun + options.timeout : kNever;
}

TaskCrew::TaskCrew() : owner_(::getpid()) {
  const ForkPause pause;
  FileDescriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.isOpen()) {
    throw SystemError("cannot make an event descriptor", errno);
  }
  wake_ = PrivateDescriptor(std::move(event));
}

void TaskCrew::requireMine() const {
  if (isInsideWorker() && owner_ != ::getpid()) {
    throw std::logic_error(
        "a ProcessManager belongs to the process that made it: a callback needs one of its own");
  }
}

void TaskCrew::lock() {
  requireMine();
  while (isLocked_.test_and_set()) {
    isLocked_.wait(true);
  }
}

void TaskCrew::unlock() noexcept {
  // A signal that is asked for after it was looked for, and before the lock is free, is sent by the
  // next turn.
  do {
    sendAskedSignals();
    isLocked_.clear();
    isLocked_.notify_one();
  } while (askedSignals_ != 0 && !isLocked_.test_and_set());
}

void TaskCrew::killAll(int signal) noexcept {
  if (signal == 0 || (isInsideWorker() && owner_ != ::getpid())) {
    return;
  }
  askedSignals_ |= std::uint64_t{1} << (signal - 1);
  if (!isLocked_.test_and_set()) {
    unlock();
  }
}

void TaskCrew::sendAskedSignals() noexcept {
  const std::uint64_t asked = askedSignals_.exchange(0);
  if (asked == 0) {
    return;
  }
  for (const TaskPointer& task : running_) {
    task->isStopped = true;
    for (int signal = 1; signal < NSIG; ++signal) {
      if ((asked >> (signal - 1) & 1) != 0 && task->attempt) {
        task->attempt->requestKill(signal);
      }
    }
  }
  if (run_) {
    run_->isKilled = true;
  }
  wakeDriver();
}

void TaskCrew::wakeDriver() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

TaskPointer TaskCrew::add(std::unique_ptr<Task> task, const TaskOptions& options,
                          const std::type_info& type) {
  if (options.timeout.count() < 0 || options.retries < 0) {
    throw std::invalid_argument("a task's timeout and retries cannot be negative");
  }
  auto added = std::make_shared<ManagedTask>();
  added->task = std::move(task);
  added->options = options;
  added->type = &type;
  const Lock lock(*this);
  added->index = added_.size();
  added_.push_back(added);
  return added;
}

void TaskCrew::noteBegun(const TaskPointer& task, std::unique_ptr<Attempt> attempt) {
  running_.push_back(task);  // where it fails, the attempt ends with it
  task->attempt = std::move(attempt);
  task->begun = Clock::now();
  task->pid = task->attempt->getPid();
  task->isTimedOut = false;
  ++task->attempts;
}

void TaskCrew::runHere(const TaskPointer& task, Lock& lock) {
  task->isInline = true;
  task->begun = Clock::now();
  task->pid = ::getpid();
  ++task->attempts;
  lock.unlock();
  TaskEnd end = runInline(*task->task, task->index);
  lock.lock();
  task->isInline = false;
  settle(*task, std::move(end));
}

void TaskCrew::finishAttempt(const TaskPointer& task) {
  const std::unique_ptr<Attempt> attempt = std::move(task->attempt);
  std::erase(running_, task);
  if (const std::optional<SystemError> refusal = attempt->getRefusal()) {
    takeBack(task, *refusal);
    return;
  }
  TaskEnd end = concludeAttempt(*attempt, task->index);
  task->pid = attempt->getPid();
  if (task->isTimedOut && end.error) {
    Origin origin = attempt->getOrigin();
    origin.item = task->index;
    end.error = std::make_exception_ptr(TaskTimeout(task->options.timeout, std::move(origin)));
  }
  if (run_) {
    run_->isStarved = false;
  }
  retryOrSettle(task, std::move(end));
}

/// Its rank had no room for a process.
void TaskCrew::takeBack(const TaskPointer& task, const SystemError& refusal) {
  --task->attempts;
  const bool goesElsewhere = isShortage(refusal) && hasRoomElsewhere();
  if (mayGoOn(*task) && task->isOfRun) {
    run_->waiting.push_front(task);
    if (!goesElsewhere) {
      noteNoRoom(refusal);
    }
    return;
  }
  TaskEnd end;
  end.error = std::make_exception_ptr(refusal);
  if (mayGoOn(*task) && goesElsewhere) {
    beginAgain(task, std::move(end));
  } else {
    settle(*task, std::move(end));
  }
}

/// Nobody has told it to end.
bool TaskCrew::mayGoOn(const ManagedTask& task) const {
  return !task.isStopped && !isClosed_ && !(task.isOfRun && run_->isStopping());
}

void TaskCrew::retryOrSettle(const TaskPointer& task, TaskEnd end) {
  if (!end.error || task->attempts > task->options.retries || !mayGoOn(*task)) {
    settle(*task, std::move(end));
  } else if (task->isOfRun) {
    run_->waiting.push_front(task);
  } else {
    beginAgain(task, std::move(end));
  }
}

/// Of a task that no run() waits for. `end`: what it has come to where that fails.
void TaskCrew::beginAgain(const TaskPointer& task, TaskEnd end) {
  try {
    noteBegun(task, beginAttempt(*task->task, caughtSignals()));
  } catch (const SystemError&) {
    end.error = std::current_exception();
    settle(*task, std::move(end));
  }
}

void TaskCrew::settle(ManagedTask& task, TaskEnd end) {
  end.type = task.type;
  end.details.attempts = task.attempts;
  if (task.attempts > 0) {
    end.details.duration = Clock::now() - task.begun;
  }
  const bool hasFailed = end.error != nullptr;
  task.end = std::make_shared<const TaskEnd>(std::move(end));
  task.task.reset();
  if (!task.isOfRun) {
    return;
  }
  --run_->left;
  if (hasFailed && run_->stopsAtFailure && !task.isStopped) {
    run_->failed = std::min(run_->failed.value_or(task.index), task.index);
  }
}

void TaskCrew::settleUnstarted(ManagedTask& task, std::exception_ptr error) {
  TaskEnd end;
  end.error = std::move(error);
  settle(task, std::move(end));
}

/// For callers who only look: takes in what has happened, unless a driver does so all the time.
void TaskCrew::update() {
  if (isDriven_) {
    return;
  }
  if (hasRemote()) {
    takeInRankMessages();
  }
  polled_ = running_;
  for (const TaskPointer& task : polled_) {
    if (task->attempt->takeIn()) {
      finishAttempt(task);
    }
  }
  enforceLimits();
}

int TaskCrew::getRunningCount() {
  const Lock lock(*this);
  update();
  return static_cast<int>(running_.size());
}

void TaskCrew::close() noexcept {
  if (isInsideWorker() && owner_ != ::getpid()) {
    return;  // a copy, made by a fork: the processes are the parent's
  }
  const Lock lock(*this);
  isClosed_ = true;
  for (const TaskPointer& task : running_) {
    task->isStopped = true;
    task->attempt->requestKill(SIGKILL);
  }
  while (!running_.empty()) {
    const TaskPointer task = running_.back();
    try {
      task->attempt->waitForEnd();
      finishAttempt(task);
    } catch (const std::exception&) {  // no memory to say how it ended
      task->attempt.reset();
      std::erase(running_, task);
    }
  }
  added_.clear();
}

}  // namespace procession::detail
