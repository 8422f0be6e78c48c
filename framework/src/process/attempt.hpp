#pragma once

#include <sys/types.h>

#include <csignal>
#include <exception>
#include <memory>
#include <optional>

#include "backend/task_message.hpp"
#include "procession/detail/process/task.hpp"
#include "procession/error.hpp"
#include "procession/process_status.hpp"

namespace procession::detail {

/// One try of a task in a process of its own, on this rank or another, from its start to its end.
/// It knows nothing of retries or time limits.
///
///     std::unique_ptr<Attempt> attempt = beginAttempt(task, caughtSignals());
///     ... poll on getChannel() and getPidfd(), or take in what ranks send ...
///     if (attempt->takeIn()) { ... attempt->getStatus(), attempt->getMessage() ... }
class Attempt {
 public:
  Attempt() = default;
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;
  /// Kills (SIGKILL) and reaps what still runs.
  virtual ~Attempt() = default;

  /// Another rank's messages tell of it, which the thread of the ranks takes in.
  [[nodiscard]] virtual bool isRemote() const = 0;
  /// Empty until another rank has told it.
  [[nodiscard]] virtual std::optional<pid_t> getPid() const = 0;
  /// Readable once it has ended; -1 where that is told otherwise, or has been.
  [[nodiscard]] virtual int getPidfd() const { return -1; }
  /// Readable when a part of its message is there; -1 when no more will come here.
  [[nodiscard]] virtual int getChannel() const { return -1; }

  /// Takes in what there is of the message, and that the process has ended, without blocking. True
  /// once it has, or could not be started.
  virtual bool takeIn() = 0;
  /// Takes in what there is of the message.
  virtual void receive() {}
  /// Blocks until there is a process, or none could be started.
  virtual void waitForStart() {}
  /// Blocks until it has ended. Throws std::logic_error for a remote one in a thread that is not
  /// the ranks'.
  virtual void waitForEnd() = 0;

  /// Sends a signal; false when it has ended.
  virtual bool kill(int signal) = 0;
  /// The same for those who may neither wait nor fail, handlers among them. What is remote gets it
  /// when the thread of the ranks is next at it.
  virtual void requestKill(int signal) noexcept = 0;

  /// Of one that has ended: why there was no process; empty when there was one.
  [[nodiscard]] virtual std::optional<SystemError> getRefusal() const { return std::nullopt; }
  [[nodiscard]] virtual ProcessStatus getStatus() const = 0;
  [[nodiscard]] virtual TaskMessage getMessage() const = 0;
  [[nodiscard]] virtual Origin getOrigin() const = 0;
};

/// Starts one: in a job, and in the thread of its ranks, a portable task on the rank that has the
/// most room, any other by a fork of this process. Throws SystemError when there is no room here
/// for a process or its descriptors, and PortabilityError where this process may not fork; then
/// nothing was run. `caught`: the signals that have a handler.
std::unique_ptr<Attempt> beginAttempt(Task& task, const sigset_t& caught);

/// The same, and blocks until there is a process. Throws SystemError when no rank has room for it.
std::unique_ptr<Attempt> beginAndAwait(Task& task, const sigset_t& caught);

/// Whether there may be room again once a process has ended.
bool isShortage(const SystemError& error);
/// Another rank may have room for what one has refused.
bool hasRoomElsewhere();

/// For those who ask remote attempts how they are: takes in what has come from other ranks, if this
/// is the thread that does.
void takeInRankMessages();

/// Throws std::invalid_argument for a number that is no signal.
void requireSignal(int signal);

}  // namespace procession::detail
