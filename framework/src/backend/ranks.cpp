#include "backend/ranks.hpp"

#include <unistd.h>

#include <stdexcept>
#include <thread>
#include <utility>

#include "procession/error.hpp"
#include "system/environment.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

RanksStarter offered = nullptr;  // constant initialisation: set before other initialisers may run

struct Active {
  std::unique_ptr<Ranks> ranks;
  pid_t owner = 0;
  std::thread::id thread;
};

Active& active() {
  // Never destroyed: handlers of exit() may still end the job.
  static auto* instance = new Active;
  return *instance;
}

}  // namespace

void offerRanks(RanksStarter start) noexcept { offered = start; }

bool areRanksOffered() noexcept { return offered != nullptr; }

void startRanks() {
  if (offered == nullptr) {
    throw Error("the mpi backend is not built into this program: link it with procession::mpi");
  }
  active() = {offered(), getpid(), std::this_thread::get_id()};
}

Ranks* activeRanks() noexcept {
  return active().owner == getpid() ? active().ranks.get() : nullptr;
}

bool isRanksThread() noexcept { return std::this_thread::get_id() == active().thread; }

void requireRanksThread() {
  if (!isRanksThread()) {
    throw std::logic_error(
        "on the mpi backend pools are used in one thread only, the one that called "
        "Application::run");
  }
}

void noteFork() {
  if (activeRanks() == nullptr) {
    return;
  }
  if (!readSwitch("PROCESSION_FORK_AFTER_MPI").value_or(true)) {
    throw PortabilityError(
        "a task of ForkProcess, ProcessManager or Process::run would be forked by a rank, and "
        "PROCESSION_FORK_AFTER_MPI is off: use a pool, whose workers start before MPI");
  }
  static bool isTold = false;
  if (!std::exchange(isTold, true)) {
    log(LogLevel::Warn,
        "tasks of ForkProcess, ProcessManager and Process::run are forked by rank 0 itself, after "
        "MPI was started, which some networks do not stand (PROCESSION_FORK_AFTER_MPI=off makes it "
        "an error)");
  }
}

bool isOfJob() noexcept { return active().owner != 0; }

void leaveRanks() {
  if (Ranks* ranks = activeRanks()) {
    ranks->leave();
    active().ranks.reset();
  }
}

}  // namespace procession::detail
