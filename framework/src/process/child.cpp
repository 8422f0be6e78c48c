#include "process/child.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "backend/ranks.hpp"
#include "process/child_body.hpp"
#include "procession/error.hpp"
#include "system/host_name.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

/// A pidfd; or, of a process that the system has reaped already, something that is readable as
/// well.
FileDescriptor watch(pid_t pid) {
  try {
    return openPidfd(pid);
  } catch (const SystemError& error) {
    if (error.getErrno() != ESRCH) {
      throw;
    }
    return makePipe().read;  // nobody writes
  }
}

}  // namespace

Child::Child(Task& task, const sigset_t& caught) : owner_(::getpid()) {
  noteFork();
  FileDescriptor childsEnd;
  {
    const ForkPause pause;
    SocketPair pair = makeStreamPair();
    channel_ = PrivateDescriptor(std::move(pair.first));
    childsEnd = std::move(pair.second);
  }
  pid_ = forkChild(caught);
  if (pid_ == 0) {
    lifeline_.holdInChild(owner_);
    runChildBody(task, childsEnd.get());
  }
  // In this order: the pidfd finds room where the child's ends were, so that a process that was
  // started is also watched.
  lifeline_.holdInParent();
  childsEnd.reset();
  status_ = ProcessStatus::running();
  if (const Ranks* ranks = activeRanks()) {
    seat_.emplace(ranks->rank());
  }
  try {
    const ForkPause pause;
    pidfd_ = PrivateDescriptor(watch(pid_));
  } catch (...) {
    ::kill(pid_, SIGKILL);
    reap(true);
    throw;
  }
}

Child::~Child() {
  if (pidfd_.isOpen() && owner_ == ::getpid()) {
    kill(SIGKILL);
    reap(true);
  }
}

bool Child::takeIn() {
  // First the end, then the rest of the message: so nothing that was sent is missed.
  const bool hasEnded = status_.hasEnded() || reap(false);
  receive();
  if (hasEnded) {
    channel_.reset();
  }
  if (isEndUnknown_ && message_.isComplete()) {
    status_ = ProcessStatus::exited(message_.getKind() == MessageKind::Result ? 0 : 1);
  }
  return hasEnded;
}

void Child::waitForEnd() {
  while (!takeIn()) {
    pollfd entries[] = {{getPidfd(), POLLIN, 0}, {getChannel(), POLLIN, 0}};  // -1 is skipped
    if (::poll(entries, 2, -1) < 0 && errno != EINTR) {
      throw SystemError("cannot wait for process " + std::to_string(pid_), errno);
    }
  }
}

void Child::receive() {
  if (channel_.isOpen() && !message_.receive(channel_.get())) {
    channel_.reset();
  }
}

bool Child::reap(bool isBlocking) {
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | (isBlocking ? 0 : WNOHANG));
  } while (result != 0 && errno == EINTR);
  if (result == 0 && info.si_pid == 0) {
    return false;
  }
  if (result == 0) {
    status_ = ProcessStatus::fromWaitid(info.si_code, info.si_status);
  } else {
    // SIGCHLD is ignored, or somebody waits for any child: then the process is gone, and how is not
    // to be known.
    log(LogLevel::Info,
        "process " + std::to_string(pid_) + " was reaped by another part of the program");
    isEndUnknown_ = true;
    status_ = ProcessStatus::exited(255);
  }
  pidfd_.reset();
  return true;
}

bool Child::kill(int signal) {
  requireSignal(signal);
  return pidfd_.isOpen() && ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) == 0;
}

void Child::requestKill(int signal) noexcept {
  if (pidfd_.isOpen()) {
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
  }
}

Origin Child::getOrigin() const {
  const Ranks* ranks = activeRanks();
  return {.item = std::nullopt,
          .host = hostName(),
          .rank = ranks != nullptr ? std::optional(ranks->rank()) : std::nullopt,
          .pid = pid_};
}

}  // namespace procession::detail
