#include <stdexcept>

#include "process/task_crew.hpp"
#include "procession/detail/process/managed_task.hpp"

namespace procession::detail {

ProcessStatus TaskCrew::getStatus(ManagedTask& task) {
  const Lock lock(*this);
  update();
  if (task.end) {
    return task.end->status;
  }
  // Between two attempts it counts as running: it has been started, and will end.
  return task.wasStarted() ? ProcessStatus::running() : ProcessStatus();
}

std::optional<int> TaskCrew::getPid(const ManagedTask& task) {
  const Lock lock(*this);
  return task.attempt ? task.attempt->getPid() : task.pid;
}

std::shared_ptr<const TaskEnd> TaskCrew::getEnd(ManagedTask& task) {
  const Lock lock(*this);
  update();
  if (!task.end) {
    throw std::logic_error(task.wasStarted()
                               ? "getOutput() of a task that still runs: call wait() first"
                               : "getOutput() of a task that was not started");
  }
  if (task.end->error) {
    std::rethrow_exception(task.end->error);
  }
  return task.end;
}

bool TaskCrew::kill(ManagedTask& task, int signal) {
  const Lock lock(*this);
  update();
  return task.attempt && task.attempt->kill(signal);
}

void ManagedProcessBase::start() { crew_->start(task_); }

bool ManagedProcessBase::isRunning() const { return crew_->getStatus(*task_).isRunning(); }

int ManagedProcessBase::wait() { return crew_->wait(*task_); }

std::optional<int> ManagedProcessBase::getPid() const { return crew_->getPid(*task_); }

std::optional<int> ManagedProcessBase::getExitCode() const {
  return crew_->getStatus(*task_).getShellCode();
}

ProcessStatus ManagedProcessBase::getStatus() const { return crew_->getStatus(*task_); }

bool ManagedProcessBase::kill(int signal) { return crew_->kill(*task_, signal); }

std::shared_ptr<const TaskEnd> ManagedProcessBase::getEnd() const { return crew_->getEnd(*task_); }

std::shared_ptr<TaskCrew> makeTaskCrew() { return std::make_shared<TaskCrew>(); }

std::shared_ptr<ManagedTask> addTask(TaskCrew& crew, std::unique_ptr<Task> task,
                                     const TaskOptions& options, const std::type_info& type) {
  return crew.add(std::move(task), options, type);
}

std::vector<TaskOutcome> runUniform(TaskCrew& crew, int maxConcurrent, const std::type_info& type) {
  return crew.run(maxConcurrent, &type);
}

}  // namespace procession::detail
