#include "system/fork.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

struct Registry {
  std::recursive_mutex mutex;
  std::vector<std::uint64_t> tickets;  // by descriptor; 0: not registered
  std::uint64_t lastTicket = 0;        // never reused, not even in children
};

/// Never destroyed: descriptors of static objects are closed after everything else.
Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

bool insideWorker = false;

/// Puts signals that have a handler back to their default; what is ignored stays ignored.
void resetHandlers(const sigset_t& caught) {
  if (::sigisemptyset(&caught)) {
    return;
  }
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (::sigismember(&caught, signal) == 1) {
      ::sigaction(signal, &standard, nullptr);
    }
  }
}

/// So that the child does not write the parent's pending output a second time.
void flushOutput() {
  std::cout.flush();
  std::clog.flush();
  std::wcout.flush();
  std::wclog.flush();
  // fflush(nullptr) waits for every stream's lock, and a thread that waits for input holds that of
  // stdin.
  if (::ftrylockfile(stdin) == 0) {
    std::fflush(nullptr);
    ::funlockfile(stdin);
  } else {
    std::fflush(stdout);
    std::fflush(stderr);
  }
}

std::string readFirstLine(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string tellForkLimits(int errorNumber) {
  if (errorNumber == ENOMEM) {
    return "cannot start another process: no memory for it (see /proc/sys/vm/overcommit_memory); "
           "use "
           "fewer workers, or start them before the large data is there";
  }
  if (errorNumber != EAGAIN) {
    return "cannot start another process";
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NPROC, &limit);
  std::string text =
      "cannot start another process: a limit on processes is reached; this user may have " +
      (limit.rlim_cur == RLIM_INFINITY ? "any number" : std::to_string(limit.rlim_cur)) +
      " (RLIMIT_NPROC, raise it with `ulimit -u`)";
  for (const char* path : {"/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"}) {
    const std::string most = readFirstLine(path);
    if (!most.empty() && most != "max") {
      text += ", this container " + most + " (pids.max of its cgroup)";
    }
  }
  const std::string most = readFirstLine("/proc/sys/kernel/threads-max");
  if (!most.empty()) {
    text += ", this machine " + most + " (sysctl kernel.threads-max)";
  }
  return text + "; or use fewer workers";
}

/// What a child does first: nothing of the parent's stays open, armed or locked.
void becomeChild(Registry& shared, const sigset_t& caught) {
  for (std::size_t descriptor = 0; descriptor < shared.tickets.size(); ++descriptor) {
    if (shared.tickets[descriptor] != 0) {
      ::close(static_cast<int>(descriptor));
    }
  }
  shared.tickets.clear();
  // The lock belongs to the parent's thread, which does not exist here.
  new (&shared.mutex) std::recursive_mutex;
  resetHandlers(caught);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

PrivateDescriptor::PrivateDescriptor(FileDescriptor descriptor)
    : descriptor_(std::move(descriptor)) {
  if (!descriptor_.isOpen()) {
    return;
  }
  Registry& shared = registry();
  const std::lock_guard lock(shared.mutex);
  const auto index = static_cast<std::size_t>(descriptor_.get());
  if (shared.tickets.size() <= index) {
    shared.tickets.resize(index + 1, 0);
  }
  ticket_ = ++shared.lastTicket;
  shared.tickets[index] = ticket_;
}

PrivateDescriptor& PrivateDescriptor::operator=(PrivateDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    descriptor_ = std::move(other.descriptor_);
    ticket_ = std::exchange(other.ticket_, 0);
  }
  return *this;
}

void PrivateDescriptor::reset() noexcept {
  if (!descriptor_.isOpen()) {
    return;
  }
  Registry& shared = registry();
  const std::lock_guard lock(shared.mutex);
  const auto index = static_cast<std::size_t>(descriptor_.get());
  const std::uint64_t ticket = std::exchange(ticket_, 0);
  if (index < shared.tickets.size() && shared.tickets[index] == ticket) {
    shared.tickets[index] = 0;
    descriptor_.reset();
  } else {
    // Inherited from the parent and closed right after the fork; the number may be another's by
    // now.
    static_cast<void>(descriptor_.release());
  }
}

pid_t knownPid() {
  static std::atomic<pid_t> known = 0;
  static const int registered = pthread_atfork(nullptr, nullptr, [] { known = 0; });
  if (known == 0 && registered == 0) {
    known = getpid();
  }
  return registered == 0 ? known.load(std::memory_order_relaxed) : getpid();
}

ForkPause::ForkPause() { registry().mutex.lock(); }
ForkPause::~ForkPause() { registry().mutex.unlock(); }

sigset_t caughtSignals() {
  sigset_t caught;
  ::sigemptyset(&caught);
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 &&
        ((action.sa_flags & SA_SIGINFO) != 0 ||
         (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN))) {
      ::sigaddset(&caught, signal);
    }
  }
  return caught;
}

pid_t forkChild() { return forkChild(caughtSignals()); }

pid_t forkChild(const sigset_t& caught) {
  flushOutput();
  Registry& shared = registry();
  std::unique_lock lock(shared.mutex);
  // No handler of the parent may run in the child before the dispositions are reset there.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) {
    lock.release();
    becomeChild(shared, caught);
    return 0;
  }
  const int errorNumber = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) {
    throw SystemError(tellForkLimits(errorNumber), errorNumber);
  }
  return pid;
}

bool isInsideWorker() { return insideWorker; }
void markInsideWorker() { insideWorker = true; }

}  // namespace procession::detail
