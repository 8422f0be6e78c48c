#include "backend/ranks.hpp"

#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <utility>

#include "procession/error.hpp"
#include "system/environment.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

std::optional<int> notedRank;

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

std::optional<int> ownRank() {
  const Ranks* ranks = activeRanks();
  return ranks != nullptr ? std::optional(ranks->rank()) : notedRank;
}

void noteOwnRank(int rank) { notedRank = rank; }

RankTraffic RankTraffic::since(const RankTraffic& earlier) const {
  return {messagesSent - earlier.messagesSent, bytesSent - earlier.bytesSent,
          messagesReceived - earlier.messagesReceived, bytesReceived - earlier.bytesReceived};
}

std::string RankTraffic::describe() const {
  return std::to_string(messagesSent) + " messages of " + std::to_string(bytesSent) +
         " bytes sent, " + std::to_string(messagesReceived) + " of " +
         std::to_string(bytesReceived) + " received";
}

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
        "on the mpi backend pools, and tasks on other ranks, are used in one thread only, the one "
        "that called Application::run");
  }
}

void noteFork() {
  if (activeRanks() == nullptr) {
    return;
  }
  if (!readSwitch("PROCESSION_FORK_AFTER_MPI").value_or(true)) {
    throw PortabilityError(
        "a task of ForkProcess, ProcessManager or Process::run is not portable, or was started in "
        "another thread than that of Application::run: it would be forked by a rank, and "
        "PROCESSION_FORK_AFTER_MPI is off. Capture plain values, or pass them with "
        "bindFront(function, values...), so that any rank can run it");
  }
  static std::atomic<bool> isTold = false;
  if (!isTold.exchange(true)) {
    log(LogLevel::Warn,
        "tasks of ForkProcess, ProcessManager and Process::run that are not portable are forked by "
        "rank 0 itself, after MPI was started, which some networks do not stand "
        "(PROCESSION_FORK_AFTER_MPI=off makes it an error)");
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
