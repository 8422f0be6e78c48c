#include "procession/detail/process/forked_task.hpp"

#include <unistd.h>

#include <exception>
#include <stdexcept>

#include "backend/backend_choice.hpp"
#include "process/attempt.hpp"
#include "process/task_attempt.hpp"
#include "system/fork.hpp"

namespace procession::detail {

struct ForkedTask::State {
  std::unique_ptr<Task> task;        // empty once it has ended
  std::unique_ptr<Attempt> attempt;  // while it runs
  std::optional<TaskEnd> end;
  std::optional<int> pid;

  /// Takes in what the child sent, and notes its end.
  void update() {
    if (attempt && attempt->isRemote()) {
      takeInRankMessages();
    }
    if (attempt && attempt->takeIn()) {
      finish();
    }
  }

  void finish() {
    end = concludeAttempt(*attempt, std::nullopt);
    attempt.reset();
    task.reset();
  }
};

ForkedTask::ForkedTask(std::unique_ptr<Task> task) : state_(std::make_unique<State>()) {
  state_->task = std::move(task);
}

ForkedTask::ForkedTask(ForkedTask&& other) noexcept = default;
ForkedTask& ForkedTask::operator=(ForkedTask&& other) noexcept = default;
ForkedTask::~ForkedTask() = default;  // the attempt's destructor ends what runs

ForkedTask::State& ForkedTask::state() const {
  if (state_ == nullptr) {
    throw std::logic_error("this ForkProcess was moved from");
  }
  return *state_;
}

void ForkedTask::start() {
  State& own = state();
  if (own.pid) {
    throw std::logic_error("start() of a ForkProcess that was started before");
  }
  if (runsInline()) {
    own.pid = ::getpid();
    own.end = runInline(*own.task, std::nullopt);
    own.task.reset();
    return;
  }
  std::unique_ptr<Attempt> attempt = beginAndAwait(*own.task, caughtSignals());
  own.pid = attempt->getPid();
  own.attempt = std::move(attempt);
}

int ForkedTask::wait() {
  State& own = state();
  if (!own.pid) {
    throw std::logic_error("wait() for a ForkProcess that was not started");
  }
  if (own.attempt) {
    own.attempt->waitForEnd();
    own.finish();
  }
  return own.end->status.getShellCode().value();
}

std::optional<int> ForkedTask::getPid() const { return state().pid; }

ProcessStatus ForkedTask::getStatus() const {
  State& own = state();
  own.update();
  if (own.end) {
    return own.end->status;
  }
  return own.attempt ? ProcessStatus::running() : ProcessStatus();
}

bool ForkedTask::kill(int signal) {
  State& own = state();
  own.update();
  return own.attempt && own.attempt->kill(signal);
}

ByteView ForkedTask::getResult() const {
  State& own = state();
  own.update();
  if (!own.end) {
    throw std::logic_error(own.attempt
                               ? "getOutput() of a ForkProcess that still runs: call wait() first"
                               : "getOutput() of a ForkProcess that was not started");
  }
  if (own.end->error) {
    std::rethrow_exception(own.end->error);
  }
  return own.end->result->view();
}

bool isForkProcessSupported() { return isForkSupported(); }

}  // namespace procession::detail
