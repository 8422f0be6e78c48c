#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <string>

#include "process/task_attempt.hpp"
#include "process/task_crew.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"
#include "system/launcher.hpp"

namespace procession::detail {

namespace {

using std::chrono::milliseconds;

/// How long processes may take to end after SIGTERM. A launcher kills us 1 s after its own.
milliseconds grace() { return detectLauncher() ? milliseconds(300) : milliseconds(2000); }

/// The system will have room again once one of our processes has ended.
bool isShortage(int error) {
  return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
}

std::exception_ptr interrupted(const char* why) {
  return std::make_exception_ptr(Interrupted(why));
}

}  // namespace

std::vector<TaskOutcome> TaskCrew::run(int maxConcurrent, const std::type_info* uniformType) {
  if (maxConcurrent <= 0) {
    throw std::invalid_argument("maxConcurrent is " + std::to_string(maxConcurrent) +
                                "; it must be positive");
  }
  SignalScope signals;
  Lock lock(*this);
  beginRun(maxConcurrent, uniformType, signals);
  try {
    driveUntil(lock, [this] { return isRunOver(); });
  } catch (...) {
    abandonRun();
    throw;
  }
  return endRun();
}

void TaskCrew::beginRun(int maxConcurrent, const std::type_info* uniformType,
                        SignalScope& signals) {
  if (run_) {
    throw std::logic_error("run() while another run() of the same ProcessManager is under way");
  }
  for (const TaskPointer& task : added_) {
    if (uniformType != nullptr && *task->type != *uniformType) {
      throw PayloadError("task " + std::to_string(task->index) + " returns " +
                         demangle(*task->type) + ", not " + demangle(*uniformType));
    }
  }
  const bool isInline = runsInline();
  ManagedRun& run = run_.emplace();
  run.isInline = isInline;
  run.maxConcurrent = maxConcurrent;
  run.stopsAtFailure = uniformType != nullptr;
  run.caught = caughtSignals();
  run.signals = &signals;
  run.tasks = std::move(added_);
  added_.clear();
  for (const TaskPointer& task : run.tasks) {
    if (task->end) {
      continue;  // started by its handle, and over
    }
    task->isOfRun = true;
    ++run.left;
    if (!task->wasStarted()) {
      run.waiting.push_back(task);
    }
  }
  wakeDriver();
}

bool TaskCrew::isRunOver() const {
  return run_->left == 0 && (!run_->isStopping() || running_.empty());
}

std::vector<TaskOutcome> TaskCrew::endRun() {
  const ManagedRun run = std::move(*run_);
  run_.reset();
  changed_.notify_all();
  for (const TaskPointer& task : run.tasks) {
    task->isOfRun = false;
  }
  if (run.stop) {
    std::rethrow_exception(run.stop);
  }
  if (run.stopsAtFailure) {
    // The failure that stopped the run, or else the first task that killAll() or an earlier end
    // left without a result.
    const auto failed = std::find_if(run.tasks.begin(), run.tasks.end(), [&](const auto& task) {
      return task->end->error && task->index >= run.failed.value_or(0);
    });
    if (failed != run.tasks.end()) {
      std::rethrow_exception((*failed)->end->error);
    }
  }
  std::vector<TaskOutcome> outcomes;
  outcomes.reserve(run.tasks.size());
  for (const TaskPointer& task : run.tasks) {
    outcomes.emplace_back(task->end);
  }
  return outcomes;
}

/// After a failure of the run itself: no process is left, every task has an end.
void TaskCrew::abandonRun() noexcept {
  run_->stop = std::current_exception();
  signalRunning(SIGKILL);
  while (!running_.empty()) {
    const TaskPointer task = running_.back();
    task->child.reset();
    std::erase(running_, task);
  }
  for (const TaskPointer& task : run_->tasks) {
    if (!task->end) {
      settleUnstarted(*task, run_->stop);
    }
    task->isOfRun = false;
  }
  run_.reset();
  changed_.notify_all();
}

void TaskCrew::driveUntil(Lock& lock, const std::function<bool()>& isDone) {
  while (!isDone()) {
    if (isDriven_) {
      changed_.wait(lock);
      continue;
    }
    isDriven_ = true;
    bool hasWaited = false;
    try {
      hasWaited = step(lock);
    } catch (...) {
      isDriven_ = false;
      changed_.notify_all();
      throw;
    }
    isDriven_ = false;
    changed_.notify_all();
    if (!hasWaited && !isDone()) {
      changed_.wait(lock);  // for another thread: its run() has yet to be concluded
    }
  }
}

/// Does what there is to do, then waits for the next event. False when nothing runs that could
/// bring one.
bool TaskCrew::step(Lock& lock) {
  if (run_) {
    heedSignals();
    startWaiting(lock);
    endRest();
    dropWaiting();
  }
  if (running_.empty()) {
    return false;
  }
  waitForEvents(lock);
  enforceLimits();
  return true;
}

void TaskCrew::startWaiting(Lock& lock) {
  while (run_ && !run_->waiting.empty() && !run_->isStopping() && !run_->isStarved &&
         static_cast<int>(running_.size()) < run_->maxConcurrent) {
    const TaskPointer task = run_->waiting.front();
    run_->waiting.pop_front();
    if (run_->isInline) {
      runHere(task, lock);
      heedSignals();
    } else if (!startOne(task)) {
      run_->waiting.push_front(task);
    }
  }
}

/// False when the system has no room for another process.
bool TaskCrew::startOne(const TaskPointer& task) {
  try {
    startAttempt(task, run_->caught);
    return true;
  } catch (const SystemError& error) {
    if (isShortage(error.getErrno()) && !running_.empty()) {
      run_->isStarved = true;
    } else {
      run_->stop = std::current_exception();
    }
    return false;
  }
}

/// Gives an end to tasks that will not be started.
void TaskCrew::dropWaiting() {
  if (!run_->isStopping()) {
    return;
  }
  while (!run_->waiting.empty()) {
    const TaskPointer task = run_->waiting.front();
    run_->waiting.pop_front();
    task->isStopped = true;
    settleUnstarted(*task, run_->stop       ? run_->stop
                           : run_->isKilled ? interrupted("not started: killAll() ended the run")
                                            : interrupted("not started: another task had failed"));
  }
}

/// Where a failure stops the run, what still runs is of no use.
void TaskCrew::endRest() {
  if (run_->failed && !run_->isRestEnded) {
    run_->isRestEnded = true;
    signalRunning(SIGKILL);
  }
}

void TaskCrew::heedSignals() {
  if (!run_) {
    return;
  }
  ManagedRun& run = *run_;
  if (run.signals->getCount() == run.signalsHeeded) {
    return;
  }
  run.signals->acknowledge();  // before counting: a signal in between is seen at the next turn
  const int count = run.signals->getCount();
  const bool isFirst = run.signalsHeeded == 0;
  run.signalsHeeded = count;
  if (isFirst && !run.stop) {
    run.stop = std::make_exception_ptr(
        Interrupted("ProcessManager::run was interrupted", run.signals->getSignal()));
  }
  if (count == 1) {
    signalRunning(SIGTERM);
    run.killAt = Clock::now() + grace();
  } else {
    signalRunning(SIGKILL);
  }
}

void TaskCrew::signalRunning(int signal) noexcept {
  for (const TaskPointer& task : running_) {
    task->isStopped = true;
    task->child->kill(signal);
  }
}

void TaskCrew::enforceLimits() {
  const Clock::time_point now = Clock::now();
  for (const TaskPointer& task : running_) {
    if (now >= task->deadline()) {
      task->isTimedOut = task->child->kill(SIGKILL);
    }
  }
  if (run_ && now >= run_->killAt) {
    run_->killAt = kNever;
    signalRunning(SIGKILL);
  }
}

/// Milliseconds until the next limit, rounded up; -1: there is none.
int TaskCrew::pollTimeout() const {
  Clock::time_point next = run_ ? run_->killAt : kNever;
  for (const TaskPointer& task : running_) {
    next = std::min(next, task->deadline());
  }
  if (next == kNever) {
    return -1;
  }
  const auto left = std::chrono::ceil<milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

void TaskCrew::waitForEvents(Lock& lock) {
  constexpr std::size_t kOthers = 2;
  polled_ = running_;
  entries_.clear();
  entries_.push_back({wake_.get(), POLLIN, 0});
  entries_.push_back({run_ ? run_->signals->getDescriptor() : -1, POLLIN, 0});
  for (const TaskPointer& task : polled_) {
    entries_.push_back({task->child->getPidfd(), POLLIN, 0});
    entries_.push_back({task->child->getChannel(), POLLIN, 0});
  }
  const int timeout = pollTimeout();
  lock.unlock();
  const int count = ::poll(entries_.data(), entries_.size(), timeout);
  const int error = errno;
  lock.lock();
  if (count < 0 && error != EINTR) {
    throw SystemError("cannot wait for processes", error);
  }
  if (count <= 0) {
    return;
  }
  if (entries_[0].revents != 0) {
    std::uint64_t times = 0;
    [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &times, sizeof times);
  }
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    const pollfd& end = entries_[kOthers + 2 * i];
    const bool hasEnded = end.revents != 0 || end.fd < 0;
    if (hasEnded && polled_[i]->child->takeIn()) {
      finishAttempt(polled_[i]);
    } else if (entries_[kOthers + 2 * i + 1].revents != 0) {
      polled_[i]->child->receive();
    }
  }
}

void TaskCrew::wait() {
  Lock lock(*this);
  driveUntil(lock, [this] { return running_.empty() && !run_; });
}

void TaskCrew::start(const TaskPointer& task) {
  Lock lock(*this);
  if (isClosed_) {
    throw std::logic_error("start() of a task whose ProcessManager is gone");
  }
  if (task->wasStarted()) {
    throw std::logic_error("start() of a task that was started before");
  }
  const bool isInline = runsInline();
  if (task->isOfRun) {
    std::erase(run_->waiting, task);
  }
  if (!isInline) {
    try {
      startAttempt(task, caughtSignals());
    } catch (...) {
      if (task->isOfRun) {
        run_->waiting.push_front(task);
      }
      throw;
    }
    wakeDriver();
    return;
  }
  changed_.wait(lock, [this] { return !isDriven_; });
  isDriven_ = true;
  runHere(task, lock);
  isDriven_ = false;
  changed_.notify_all();
}

int TaskCrew::wait(ManagedTask& task) {
  Lock lock(*this);
  if (!task.wasStarted() && !task.isOfRun) {
    throw std::logic_error("wait() for a task that was not started");
  }
  driveUntil(lock, [&task] { return task.end != nullptr; });
  if (const auto code = task.end->status.getShellCode()) {
    return *code;
  }
  std::rethrow_exception(task.end->error);  // it was never begun
}

}  // namespace procession::detail
