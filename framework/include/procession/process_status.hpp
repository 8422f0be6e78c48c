#pragma once

#include <optional>
#include <string>

namespace procession {

/// How a process ended, decoded once from what the kernel reports.
///
///     ProcessStatus status = child.getStatus();
///     if (status.isSignaled()) std::cerr << status.describe();  // "killed by signal 11 (SIGSEGV)"
///
/// A value: it holds no process and asks the kernel for nothing.
class ProcessStatus {
 public:
  enum class State { NotStarted, Running, Exited, Signaled };

  /// A process that was not started yet.
  ProcessStatus() = default;

  static ProcessStatus running();
  static ProcessStatus exited(int exitCode);
  static ProcessStatus signaled(int signal, bool coreDumped = false);
  /// From the `si_code` and `si_status` of `waitid(2)`.
  static ProcessStatus fromWaitid(int code, int status);

  [[nodiscard]] State getState() const { return state_; }
  [[nodiscard]] bool isRunning() const { return state_ == State::Running; }
  [[nodiscard]] bool isExited() const { return state_ == State::Exited; }
  [[nodiscard]] bool isSignaled() const { return state_ == State::Signaled; }
  [[nodiscard]] bool hasEnded() const { return isExited() || isSignaled(); }
  /// Exited with code 0.
  [[nodiscard]] bool isSuccess() const { return isExited() && value_ == 0; }

  /// The code given to `exit`; empty unless exited.
  [[nodiscard]] std::optional<int> getExitCode() const;
  /// The signal that ended the process; empty unless signaled.
  [[nodiscard]] std::optional<int> getSignal() const;
  /// What a shell would report: the exit code, or 128 + signal; empty before the end.
  [[nodiscard]] std::optional<int> getShellCode() const;
  [[nodiscard]] bool hasCoreDump() const { return coreDumped_; }

  /// For messages: "exited with code 3", "killed by signal 11 (SIGSEGV)", "running", "not started".
  [[nodiscard]] std::string describe() const;

  friend bool operator==(const ProcessStatus&, const ProcessStatus&) = default;

 private:
  ProcessStatus(State state, int value, bool coreDumped)
      : state_(state), value_(value), coreDumped_(coreDumped) {}

  State state_ = State::NotStarted;
  int value_ = 0;  // the exit code or the signal; 0 before the end
  bool coreDumped_ = false;
};

/// "SIGSEGV" for 11; "SIG<number>" for a number without a name.
std::string signalName(int signal);

}  // namespace procession
