#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <string>

#include "backend/fork_server.hpp"
#include "backend/mail_room.hpp"
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

std::exception_ptr interrupted(const char* why) {
  return std::make_exception_ptr(Interrupted(why));
}

// Where in the polled entries: behind the one that wakes us and that of signals.
constexpr std::size_t kOurAgent = 2;
constexpr std::size_t kOthers = 3;

constexpr int kNap = static_cast<int>(std::chrono::ceil<milliseconds>(Attention::kNap).count());

/// Lets other threads in while it lives.
class Unlocked {
 public:
  explicit Unlocked(std::unique_lock<TaskCrew>& lock) : lock_(lock) { lock_.unlock(); }
  ~Unlocked() {
    const int error = errno;
    lock_.lock();
    errno = error;
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  std::unique_lock<TaskCrew>& lock_;
};

/// Null in other threads than the ranks', and where there is no job.
MailRoom* ownMailRoom() { return isRanksThread() ? mailRoom() : nullptr; }

/// The shorter of two times for poll, where -1 is no limit.
int shorter(int one, int other) { return one < 0 ? other : std::min(one, other); }

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
  if (MailRoom* room = ownMailRoom()) {
    room->beginWork();
  }
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
    task->attempt.reset();
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
  if (MailRoom* room = ownMailRoom()) {
    room->expectLife();
  }
  while (!isDone()) {
    if (isDriven_) {
      changed_.wait(lock);
      continue;
    }
    if (hasRemote()) {
      requireRanksThread();
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
    noteBegun(task, beginAttempt(*task->task, run_->caught));
    return true;
  } catch (const SystemError& error) {
    noteNoRoom(error);
    return false;
  }
}

void TaskCrew::noteNoRoom(const SystemError& error) {
  if (isShortage(error) && !running_.empty()) {
    run_->isStarved = true;
  } else {
    run_->stop = std::make_exception_ptr(error);
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
  if (MailRoom* room = ownMailRoom()) {
    while (const auto stop = room->takeStopRequest()) {
      interrupt(stop->signal, stop->isRepeated);
    }
  }
  if (run.signals->getCount() == run.signalsHeeded) {
    return;
  }
  run.signals->acknowledge();  // before counting: a signal in between is seen at the next turn
  run.signalsHeeded = run.signals->getCount();
  interrupt(run.signals->getSignal().value_or(SIGTERM), run.signalsHeeded > 1);
}

/// `again`: somebody insists. That other ranks were told, too, is still the same request: launchers
/// signal all of them.
void TaskCrew::interrupt(int signal, bool again) {
  ManagedRun& run = *run_;
  if (run.isInterrupted && !again) {
    return;
  }
  run.isInterrupted = true;
  dismissGuardian();  // whatever ends this process now, it is no surprise
  if (MailRoom* room = ownMailRoom()) {
    room->noteInterruption();
  }
  if (!run.stop) {
    run.stop = std::make_exception_ptr(Interrupted("ProcessManager::run was interrupted", signal));
  }
  if (again) {
    signalRunning(SIGKILL);
  } else {
    signalRunning(SIGTERM);
    run.killAt = Clock::now() + grace();
  }
}

void TaskCrew::signalRunning(int signal) noexcept {
  for (const TaskPointer& task : running_) {
    task->isStopped = true;
    task->attempt->requestKill(signal);
  }
}

void TaskCrew::enforceLimits() {
  const Clock::time_point now = Clock::now();
  for (const TaskPointer& task : running_) {
    if (now >= task->deadline()) {
      task->isTimedOut = task->attempt->kill(SIGKILL);
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

/// As poll, with the crew unlocked.
int TaskCrew::pollEntries(Lock& lock) {
  int timeout = pollTimeout();
  const bool expectsAnswers = hasRemote();
  const Unlocked others(lock);
  if (MailRoom* room = ownMailRoom()) {
    // Nothing wakes poll for what other ranks send.
    const bool hasCome = expectsAnswers ? room->wait(Time(0), -1) : room->serve();
    entries_[kOurAgent].fd = room->taskDescriptor();
    const bool isNear = expectsAnswers && (hasCome || room->isAttentive());
    timeout = isNear ? 0 : shorter(timeout, kNap);
  }
  return ::poll(entries_.data(), entries_.size(), timeout);
}

void TaskCrew::waitForEvents(Lock& lock) {
  polled_ = running_;
  entries_.clear();
  entries_.push_back({wake_.get(), POLLIN, 0});
  entries_.push_back({run_ ? run_->signals->getDescriptor() : -1, POLLIN, 0});
  entries_.push_back({-1, POLLIN, 0});  // processes that our own agent looks after
  for (const TaskPointer& task : polled_) {
    entries_.push_back({task->attempt->getPidfd(), POLLIN, 0});
    entries_.push_back({task->attempt->getChannel(), POLLIN, 0});
  }
  if (pollEntries(lock) < 0 && errno != EINTR) {
    throw SystemError("cannot wait for processes", errno);
  }
  if (entries_[0].revents != 0) {
    std::uint64_t times = 0;
    [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &times, sizeof times);
  }
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    const pollfd& end = entries_[kOthers + 2 * i];
    const bool mayHaveEnded = end.revents != 0 || end.fd < 0;
    if (mayHaveEnded && polled_[i]->attempt->takeIn()) {
      finishAttempt(polled_[i]);
    } else if (entries_[kOthers + 2 * i + 1].revents != 0) {
      polled_[i]->attempt->receive();
    }
  }
}

bool TaskCrew::hasRemote() const {
  return std::ranges::any_of(running_,
                             [](const TaskPointer& task) { return task->attempt->isRemote(); });
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
      noteBegun(task, beginAndAwait(*task->task, caughtSignals()));
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
