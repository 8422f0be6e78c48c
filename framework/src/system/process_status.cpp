#include "procession/process_status.hpp"

#include <sys/wait.h>

#include <csignal>
#include <cstring>

namespace procession {

ProcessStatus ProcessStatus::running() { return {State::Running, 0, false}; }

ProcessStatus ProcessStatus::exited(int exitCode) { return {State::Exited, exitCode, false}; }

ProcessStatus ProcessStatus::signaled(int signal, bool coreDumped) {
  return {State::Signaled, signal, coreDumped};
}

ProcessStatus ProcessStatus::fromWaitid(int code, int status) {
  switch (code) {
    case CLD_EXITED:
      return exited(status);
    case CLD_KILLED:
      return signaled(status);
    case CLD_DUMPED:
      return signaled(status, true);
    default:  // stopped, continued or trapped: it lives
      return running();
  }
}

std::optional<int> ProcessStatus::getExitCode() const {
  return isExited() ? std::optional(value_) : std::nullopt;
}

std::optional<int> ProcessStatus::getSignal() const {
  return isSignaled() ? std::optional(value_) : std::nullopt;
}

std::optional<int> ProcessStatus::getShellCode() const {
  if (!hasEnded()) {
    return std::nullopt;
  }
  return isSignaled() ? 128 + value_ : value_;
}

std::string ProcessStatus::describe() const {
  switch (state_) {
    case State::NotStarted:
      return "not started";
    case State::Running:
      return "running";
    case State::Exited:
      return "exited with code " + std::to_string(value_);
    case State::Signaled:
      return "killed by signal " + std::to_string(value_) + " (" + signalName(value_) +
             (coreDumped_ ? ", core dumped)" : ")");
  }
  return "";
}

std::string signalName(int signal) {
  const char* abbreviation = sigabbrev_np(signal);
  return "SIG" + (abbreviation != nullptr ? std::string(abbreviation) : std::to_string(signal));
}

}  // namespace procession
