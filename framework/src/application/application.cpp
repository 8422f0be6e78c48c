#include "procession/application.hpp"

#include <signal.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

#include "application/application_state.hpp"
#include "backend/backend_choice.hpp"
#include "backend/fork_server.hpp"
#include "procession/detail/application/pool_lease.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"
#include "procession/process_service_provider.hpp"
#include "system/launcher.hpp"
#include "system/log.hpp"

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

/// From the check of the environment to the last worker's end.
class Session {
 public:
  Session() {
    if (chooseBackend() == BackendKind::Fork) {
      startForkServer();
    }
    running = true;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    dropKeptPool();
    running = false;
    stopForkServer();
  }
};

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

std::optional<int> refuseToStart() {
  try {
    chooseBackend();
    chooseWorkerCount(0);
    readLogLevel();
  } catch (const std::exception& exception) {
    complain(exception.what());
    return kBadInput;
  }
  try {
    requireSingleRank();
  } catch (const Error& error) {
    // Once for the whole job where the ranks know their numbers.
    if (detectLauncher()->rank.value_or(0) == 0) {
      complain(error.what());
    }
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
    return body();
  } catch (const Interrupted& interrupted) {
    complain(interrupted.what());
    signal = interrupted.getSignal();
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
