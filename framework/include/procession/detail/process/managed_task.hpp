#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <typeinfo>
#include <vector>

#include "procession/detail/process/task.hpp"
#include "procession/detail/process/task_end.hpp"
#include "procession/process_interface.hpp"
#include "procession/task_outcome.hpp"

namespace procession {

/// How a task of a ProcessManager is run.
struct TaskOptions {
  std::chrono::milliseconds timeout{
      0};           // of one attempt, which is then killed (TaskTimeout); 0: none
  int retries = 0;  // further attempts after a failure, a lost process or a timeout
};

namespace detail {

class TaskCrew;
struct ManagedTask;

/// The compiled part of ProcessManager's handles.
class ManagedProcessBase : public ProcessInterface {
 public:
  ManagedProcessBase(std::shared_ptr<TaskCrew> crew, std::shared_ptr<ManagedTask> task)
      : crew_(std::move(crew)), task_(std::move(task)) {}

  void start() override;
  [[nodiscard]] bool isRunning() const override;
  int wait() override;
  [[nodiscard]] std::optional<int> getPid() const override;
  [[nodiscard]] std::optional<int> getExitCode() const override;
  [[nodiscard]] ProcessStatus getStatus() const override;
  bool kill(int signal = SIGTERM) override;

 protected:
  /// Throws std::logic_error before the end, and what happened after a failure.
  [[nodiscard]] std::shared_ptr<const TaskEnd> getEnd() const;

 private:
  std::shared_ptr<TaskCrew> crew_;
  std::shared_ptr<ManagedTask> task_;
};

// What ProcessManager's templates call.
std::shared_ptr<TaskCrew> makeTaskCrew();
std::shared_ptr<ManagedTask> addTask(TaskCrew& crew, std::unique_ptr<Task> task,
                                     const TaskOptions& options, const std::type_info& type);
/// Runs tasks that all return `type`, until the first failure, which is thrown.
std::vector<TaskOutcome> runUniform(TaskCrew& crew, int maxConcurrent, const std::type_info& type);

}  // namespace detail
}  // namespace procession
