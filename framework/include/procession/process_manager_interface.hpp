#pragma once

#include <csignal>
#include <vector>

#include "procession/task_outcome.hpp"

namespace procession {

/// What a manager of processes can do once its tasks are added.
class ProcessManagerInterface {
 public:
  virtual ~ProcessManagerInterface() = default;

  /// Runs the tasks that were added, at most `maxConcurrent` at a time; their outcomes in the order
  /// of adding.
  virtual std::vector<TaskOutcome> run(int maxConcurrent) = 0;
  /// Blocks until no process is running.
  virtual void wait() = 0;
  [[nodiscard]] virtual int getRunningCount() const = 0;
  [[nodiscard]] virtual bool hasRunning() const = 0;
  /// Signals every running process; tasks that wait for their turn are not started any more.
  virtual void killAll(int signal = SIGTERM) = 0;

 protected:
  ProcessManagerInterface() = default;
  ProcessManagerInterface(const ProcessManagerInterface&) = default;
  ProcessManagerInterface(ProcessManagerInterface&&) = default;
  ProcessManagerInterface& operator=(const ProcessManagerInterface&) = default;
  ProcessManagerInterface& operator=(ProcessManagerInterface&&) = default;
};

}  // namespace procession
