#include "system/signal_scope.hpp"

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM};

/// What is there once in a process. Changed under a ForkPause, which no fork leaves locked in a
/// child; all that the handler reads is lock-free.
struct State {
  std::atomic<SignalScope*> scopes = nullptr;
  std::atomic<int> handlersRunning = 0;
  std::atomic<pid_t> owner = 0;  // the process whose scopes these are
  std::array<struct sigaction, kSignals.size()> before{};
  std::array<bool, kSignals.size()> isInstalled{};
  std::atomic<void (*)(int)> standIn = nullptr;  // for the default
};

State state;
static_assert(std::atomic<SignalScope*>::is_always_lock_free &&
              std::atomic<int>::is_always_lock_free);

std::size_t indexOf(int signal) { return signal == kSignals[0] ? 0 : 1; }

bool isDefault(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 &&
         (action.sa_handler == SIG_DFL || action.sa_handler == state.standIn.load());
}

bool isIgnored(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN;
}

/// The program's own handler, as if ours were not there.
void callHost(int signal, siginfo_t* info, void* context) {
  struct sigaction& host = state.before[indexOf(signal)];
  if (isDefault(host) || isIgnored(host)) {
    return;
  }
  // A program's handler that chains to ours, installed between two of our scopes, must not come
  // round to itself.
  static thread_local std::array<bool, kSignals.size()> isCalled{};
  bool& guard = isCalled[indexOf(signal)];
  if (guard) {
    return;
  }
  guard = true;
  const struct sigaction called = host;
  if ((called.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
    host.sa_flags &= ~SA_SIGINFO;
    host.sa_handler = SIG_DFL;
  }
  if ((called.sa_flags & SA_SIGINFO) != 0) {
    called.sa_sigaction(signal, info, context);
  } else {
    called.sa_handler(signal);
  }
  guard = false;
}

/// A process that the program forked by itself has our handler but no operation of ours: there the
/// signal does what it would have done without us.
void behaveAsHost(int signal, siginfo_t* info, void* context) {
  if (isDefault(state.before[indexOf(signal)])) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);  // delivered when this handler returns
  } else {
    callHost(signal, info, context);
  }
}

}  // namespace

/// The handler's side of SignalScope.
struct SignalNotes {
  static void handle(int signal, siginfo_t* info, void* context) {
    const int errorNumber = errno;
    if (state.owner.load() != ::getpid()) {
      behaveAsHost(signal, info, context);
    } else {
      ++state.handlersRunning;
      for (SignalScope* scope = state.scopes; scope != nullptr; scope = scope->next_) {
        note(*scope, signal);
      }
      --state.handlersRunning;
      callHost(signal, info, context);
    }
    errno = errorNumber;
  }

  static void note(SignalScope& scope, int signal) {
    int none = 0;
    scope.first_.compare_exchange_strong(none, signal);
    ++scope.count_;
    const std::uint64_t one = 1;
    // A full counter is readable as well, so there is nothing to do about a failure.
    [[maybe_unused]] const ssize_t written = ::write(scope.event_.get(), &one, sizeof one);
  }

  static bool isOurs(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == handle;
  }

  static void install() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      struct sigaction& before = state.before[i];
      struct sigaction now {};
      ::sigaction(kSignals[i], nullptr, &now);
      if (!isOurs(now)) {  // ours is inherited by a fork, with what was before it
        before = now;
      }
      state.isInstalled[i] = !isIgnored(before);
      if (!state.isInstalled[i]) {
        continue;
      }
      struct sigaction ours {};
      ours.sa_sigaction = handle;
      ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
      if (isDefault(before)) {
        ours.sa_flags |= SA_RESTART;
      } else {
        ours.sa_mask = before.sa_mask;
        ours.sa_flags |= before.sa_flags & (SA_RESTART | SA_NODEFER);
      }
      ::sigaction(kSignals[i], &ours, nullptr);
    }
  }

  static void restore() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      struct sigaction now {};
      if (state.isInstalled[i] && ::sigaction(kSignals[i], nullptr, &now) == 0 && isOurs(now)) {
        ::sigaction(kSignals[i], &state.before[i], nullptr);
      }
    }
  }

  static void link(SignalScope& scope) {
    scope.next_ = state.scopes.load();
    state.scopes = &scope;
  }

  static void unlink(SignalScope& scope) {
    std::atomic<SignalScope*>* place = &state.scopes;
    while (place->load() != nullptr && place->load() != &scope) {
      place = &place->load()->next_;
    }
    if (place->load() == &scope) {
      place->store(scope.next_);
    }
    // A handler in another thread may have met the scope just before.
    while (state.handlersRunning != 0) {
      ::sched_yield();
    }
  }

  /// In a forked process the parent's scopes are no business of ours.
  static void claimForThisProcess() {
    if (state.owner != ::getpid()) {
      state.scopes = nullptr;
      state.handlersRunning = 0;
      state.owner = ::getpid();
    }
  }
};

SignalScope::SignalScope() {
  const ForkPause pause;
  FileDescriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.isOpen()) {
    throw SystemError("cannot make an event descriptor", errno);
  }
  event_ = PrivateDescriptor(std::move(event));
  SignalNotes::claimForThisProcess();
  const bool isFirst = state.scopes.load() == nullptr;
  SignalNotes::link(*this);
  if (isFirst) {
    SignalNotes::install();
  }
}

SignalScope::~SignalScope() {
  const std::optional<int> unseen = leave();
  if (unseen) {
    ::raise(*unseen);
  }
}

/// The signal that nobody has looked at, where it would end the program: to be raised again.
std::optional<int> SignalScope::leave() {
  const ForkPause pause;
  if (state.owner != ::getpid()) {
    return std::nullopt;  // inherited by a fork
  }
  const bool isLast = state.scopes.load() == this && next_.load() == nullptr;
  if (isLast) {
    SignalNotes::restore();
  }
  SignalNotes::unlink(*this);
  const std::optional<int> signal = getSignal();
  // The program's own handler was called; other scopes have noted it as well.
  const bool wouldEnd = signal && isLast && isDefault(state.before[indexOf(*signal)]);
  return wouldEnd && !isAcknowledged_ ? signal : std::nullopt;
}

bool SignalScope::isInUse() { return state.owner == ::getpid() && state.scopes.load() != nullptr; }

void SignalScope::acknowledge() {
  isAcknowledged_ = getCount() > 0;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(event_.get(), &count, sizeof count);
}

void SignalScope::passOn(int signal) {
  first_ = signal;
  isAcknowledged_ = false;
}

void SignalScope::countAsDefault(void (*handler)(int)) noexcept { state.standIn = handler; }

std::optional<int> SignalScope::getSignal() const {
  const int signal = first_;
  return signal != 0 ? std::optional(signal) : std::nullopt;
}

}  // namespace procession::detail
