#pragma once

#include <sys/types.h>

#include <csignal>

#include "process/message.hpp"
#include "procession/detail/process/task.hpp"
#include "procession/process_status.hpp"
#include "system/fork.hpp"
#include "system/lifeline.hpp"

namespace procession::detail {

/// A forked process that runs one task, from the fork to the reaping. It knows nothing of retries
/// or time limits.
///
///     Child child(task, caughtSignals());
///     ... poll on getChannel() and getPidfd() ...
///     if (child.takeIn()) { ... child.getStatus(), child.getMessage() ... }
class Child {
 public:
  /// Forks. Throws SystemError when there is no room for a process or its descriptors; then nothing
  /// was run.
  Child(Task& task, const sigset_t& caught);
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) = delete;
  /// Kills (SIGKILL) and reaps what still runs.
  ~Child();

  [[nodiscard]] pid_t getPid() const { return pid_; }
  /// Readable once it has ended; -1 once it is reaped, be it by somebody else.
  [[nodiscard]] int getPidfd() const { return pidfd_.get(); }
  /// Readable when a part of its message is there; -1 when no more will come.
  [[nodiscard]] int getChannel() const { return channel_.get(); }

  /// Takes in what there is of the message, and reaps the process if it has ended, without
  /// blocking. True once it has.
  bool takeIn();
  /// Takes in what there is of the message.
  void receive();
  /// Blocks until it has ended.
  void waitForEnd();

  /// Sends a signal; false when it has ended.
  bool kill(int signal);

  [[nodiscard]] const ProcessStatus& getStatus() const { return status_; }
  [[nodiscard]] const MessageReceiver& getMessage() const { return message_; }

 private:
  bool reap(bool isBlocking);

  pid_t pid_ = -1;
  pid_t owner_;  // the process that forked it; in forks of that one the object is a mere copy
  PrivateDescriptor pidfd_;
  PrivateDescriptor channel_;
  Lifeline lifeline_;  // after the others: what it ends on is closed last
  ProcessStatus status_;
  bool isEndUnknown_ = false;  // somebody else reaped it
  MessageReceiver message_;
};

}  // namespace procession::detail
