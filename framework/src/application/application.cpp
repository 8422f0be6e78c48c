#include "procession/application.hpp"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

#include "application/application_state.hpp"
#include "backend/backend_choice.hpp"
#include "backend/fork_server.hpp"
#include "backend/mail_room.hpp"
#include "backend/narrow_binding.hpp"
#include "backend/ranks.hpp"
#include "pool/agent.hpp"
#include "pool/deadline.hpp"
#include "pool/progress_display.hpp"
#include "pool/trace_file.hpp"
#include "procession/detail/application/pool_lease.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"
#include "procession/process_service_provider.hpp"
#include "system/cores.hpp"
#include "system/environment.hpp"
#include "system/host_name.hpp"
#include "system/launcher.hpp"
#include "system/log.hpp"
#include "system/signal_scope.hpp"

namespace procession {

Container& Application::getContainer() {
  static Container container = [] {
    Container made;
    ProcessServiceProvider().registerServices(made);
    return made;
  }();
  return container;
}

namespace detail {
namespace {

constexpr int kFailure = 1;
constexpr int kBadInput = 2;  // as for a bad option

bool running = false;

void complain(const std::string& message) { log(LogLevel::Error, "error: " + message); }

void complainAbout(const std::exception_ptr& exception) {
  std::string message;
  for (const ExceptionInfo& info : describeException(exception)) {
    message += (message.empty() ? "" : ", caused by ") + info.type;
    message += info.message.empty() ? "" : ": " + info.message;
  }
  complain(message);
}

/// What concerns all ranks alike is said once.
bool speaksForTheJob() {
  const auto launcher = detectLauncher();
  return !launcher || launcher->rank.value_or(0) == 0;
}

/// For what goes wrong on one rank, while the others wait for it.
void abortJob(Ranks& ranks, const std::string& why) {
  complain("rank " + std::to_string(ranks.rank()) + " on host " + hostName() +
           " cannot go on, and the job ends: " + why);
  ranks.abort(kFailure);
}

/// The parent's last words to the other ranks. They end with 0 whatever the parent ends with: a
/// launcher that saw another rank fail first would end the parent, with all that it has yet to
/// write.
void endJob() {
  Ranks* ranks = activeRanks();
  if (ranks == nullptr || ranks->rank() != 0) {
    return;
  }
  try {
    dropKeptPool();
    closeMailRoom();
    RankHeader leave;
    leave.kind = RankMessageKind::Leave;
    for (int rank = 1; rank < ranks->size(); ++rank) {
      ranks->send(rank, leave);
    }
    leaveRanks();
  } catch (...) {
    abortJob(*ranks, describeException(std::current_exception()).front().message);
  }
}

/// For bodies that call std::exit: the other ranks are not to wait for ever.
void endJobAtExit() {
  Ranks* ranks = activeRanks();
  if (ranks == nullptr) {
    return;  // it is over, or this is a forked child
  }
  if (ranks->rank() != 0 || !isRanksThread()) {
    abortJob(*ranks, ranks->rank() != 0
                         ? "exit was called while it served the parent"
                         : "exit was called in another thread than the one of Application::run");
  }
  endJob();
  stopForkServer();
}

/// Outside of operations these signals end a rank as they end any program; only its guardian is to
/// know first that it was told to.
void endAsTold(int signal) {
  if (!SignalScope::isInUse()) {
    dismissGuardian();
    ::signal(signal, SIG_DFL);
    raise(signal);  // delivered when this handler returns
  }
}

void expectToBeTold() {
  SignalScope::countAsDefault(endAsTold);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if ((before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_DFL) {
      struct sigaction ours {};
      ours.sa_handler = endAsTold;
      ours.sa_flags = SA_RESTART | SA_ONSTACK;
      sigaction(signal, &ours, nullptr);
    }
  }
}

/// The job does not begin, and why is on stderr.
struct SaidAlready {};

/// From the check of the environment to the last worker's end.
class Session {
 public:
  Session() {
    const BackendKind backend = chooseBackend();
    if (backend != BackendKind::Serial) {
      startForkServer();  // before MPI starts: a rank never forks afterwards
    }
    if (backend == BackendKind::Mpi) {
      enterJob();  // and looks at the cores of all ranks
    } else if (backend == BackendKind::Fork && detectLauncher()) {
      warnOfNarrowBinding();
    }
    running = true;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    dropKeptPool();
    endJob();
    running = false;
    stopForkServer();
  }

 private:
  static void warnOfNarrowBinding() {
    if (const auto complaint = describeNarrowBinding(affinityCores())) {
      log(LogLevel::Warn, *complaint);
    }
  }
  static void enterJob() {
    try {
      startRanks();
    } catch (...) {
      stopForkServer();
      throw;
    }
    try {
      activeRanks()->meet();
    } catch (const MpiError& error) {
      if (speaksForTheJob()) {
        complain(error.what());
      }
      leaveRanks();  // all do, so that none ends, and has the others ended, before it was said
      stopForkServer();
      throw SaidAlready();
    }
    if (activeRanks()->rank() == 0) {
      openMailRoom(*activeRanks(), std::make_unique<ParentsAgent>());
    }
    guardRank(activeRanks()->rank());
    expectToBeTold();
    // After MPI's own handlers, which run later than this one.
    static_cast<void>(std::atexit(endJobAtExit));
  }
};

/// A rank that serves: everything it does, to its end.
int serveAsRank(Ranks& ranks) {
  try {
    serveParent(ranks);
    leaveRanks();
    return EXIT_SUCCESS;
  } catch (...) {
    abortJob(ranks, describeException(std::current_exception()).front().message);
    return kFailure;  // GCC 12 does not see that a virtual function never returns
  }
}

// In front of shells and batch systems: ended by the signal, not by an exit status that merely
// resembles it.
[[noreturn]] void endBySignal(int signal) {
  std::cout.flush();
  std::fflush(nullptr);
  ::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  raise(signal);
  std::_Exit(128 + signal);  // a signal whose default is to be ignored
}

/// The job does not begin, for a reason that may hold for this rank alone: the others, who may be
/// waiting for it, are met, so that a difference between them is what is told. Nobody leaves, and
/// has the launcher end the others, before it was told.
void refuseWithOtherRanks(std::string reason) {
  if (areRanksOffered()) {
    try {
      startRanks();
      activeRanks()->meet();
    } catch (const MpiError& error) {
      reason = error.what();
    }
  }
  if (speaksForTheJob()) {
    complain(reason);
  }
  if (activeRanks() != nullptr) {
    leaveRanks();
  }
}

std::optional<int> refuseToStart() {
  try {
    chooseBackend();
    chooseWorkerCount(0);
    readLogLevel();
    chooseProgress(Progress::Auto);
    if (speaksForTheJob() || readVariable("PROCESSION_DEADLINE")) {
      noteJobDeadline();
    }
    readSwitch("PROCESSION_FORK_AFTER_MPI");
  } catch (const std::exception& exception) {
    complain(exception.what());
    return kBadInput;
  }
  try {
    if (chooseBackend() != BackendKind::Mpi) {
      requireSingleRank();
    }
  } catch (const Error& error) {
    refuseWithOtherRanks(error.what());
    return kFailure;
  }
  return std::nullopt;
}

}  // namespace

bool isApplicationRunning() { return running; }

int runApplication(int, char**, const std::function<int()>& body) {
  if (running) {
    throw std::logic_error("Application::run was called inside of Application::run");
  }
  if (const auto status = refuseToStart()) {
    return *status;
  }
  std::optional<int> signal;
  try {
    const Session session;
    if (Ranks* ranks = activeRanks(); ranks != nullptr && ranks->rank() != 0) {
      return serveAsRank(*ranks);
    }
    // Said before the job is left: a launcher that ends it gives little time.
    try {
      traceFile();  // one that cannot be written is told before any work begins
      return body();
    } catch (const Interrupted& interrupted) {
      complain(interrupted.what());
      signal = interrupted.getSignal();
    } catch (...) {
      complainAbout(std::current_exception());
    }
  } catch (const SaidAlready&) {
  } catch (...) {
    complainAbout(std::current_exception());
  }
  if (signal) {
    endBySignal(*signal);
  }
  return kFailure;
}

}  // namespace detail
}  // namespace procession
