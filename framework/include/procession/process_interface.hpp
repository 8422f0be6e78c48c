#pragma once

#include <csignal>
#include <optional>

#include "procession/process_status.hpp"

namespace procession {

/// A process that runs one callback: what ForkProcess and the handles of a ProcessManager have in
/// common.
///
///     void report(const ProcessInterface& process) {
///       std::cout << *process.getPid() << ' ' << process.getStatus().describe() << '\n';
///     }
class ProcessInterface {
 public:
  virtual ~ProcessInterface() = default;

  /// Starts the process. Throws std::logic_error when it was started before; SystemError when the
  /// system has no room for another process, and then it counts as not started.
  virtual void start() = 0;

  /// Whether it was started and has not ended. Never blocks.
  [[nodiscard]] virtual bool isRunning() const = 0;

  /// Blocks until the process has ended, and takes in its result meanwhile. Returns 0, 1 when the
  /// callback threw, the process's own exit code, or 128 + the signal that killed it. Throws
  /// std::logic_error before start().
  virtual int wait() = 0;

  /// Its id; empty before start(). The id of an ended process may belong to another one by now.
  [[nodiscard]] virtual std::optional<int> getPid() const = 0;

  /// What wait() returns; empty before the end. Never blocks.
  [[nodiscard]] virtual std::optional<int> getExitCode() const = 0;

  /// How it is, or how it ended. Never blocks.
  [[nodiscard]] virtual ProcessStatus getStatus() const = 0;

  /// Sends a signal; false when the process is not running. It never reaches a stranger that has
  /// the same id by now. Throws std::invalid_argument for a number that is no signal.
  virtual bool kill(int signal = SIGTERM) = 0;

 protected:
  ProcessInterface() = default;
  ProcessInterface(const ProcessInterface&) = default;
  ProcessInterface(ProcessInterface&&) = default;
  ProcessInterface& operator=(const ProcessInterface&) = default;
  ProcessInterface& operator=(ProcessInterface&&) = default;
};

}  // namespace procession
