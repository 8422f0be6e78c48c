#include "backend/backend_choice.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "backend/ranks.hpp"
#include "procession/error.hpp"
#include "system/cores.hpp"
#include "system/environment.hpp"
#include "system/file_descriptor.hpp"
#include "system/fork.hpp"
#include "system/launcher.hpp"

namespace procession::detail {
namespace {

// The call exists, but there is no room for another descriptor just now.
bool isShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

/// What keeps the ranks of a launcher from being one job, and the way out.
std::string whyRanksAreApart() {
  if (!areRanksOffered()) {
    return "but the mpi backend is not built into this program (link it with procession::mpi, or "
           "start one rank)";
  }
  if (readVariable("PROCESSION_BACKEND")) {
    return "but PROCESSION_BACKEND asks for a backend of one process (unset it, or start one rank)";
  }
  return "but the program uses workers outside of Application::run, which makes ranks one job "
         "(call "
         "it first thing in main)";
}

}  // namespace

BackendKind chooseBackend() {
  enum Choice : std::size_t { Fork, Mpi, Serial };
  const auto asked = readChoice("PROCESSION_BACKEND", {"fork", "mpi", "serial"});
  const auto launcher = detectLauncher();
  const bool isJob = areRanksOffered() && launcher && launcher->hasSeveralRanks();
  const std::size_t choice = asked.value_or(isJob ? Mpi : Fork);
  if (choice == Serial) {
    return BackendKind::Serial;
  }
  if (choice == Mpi && !areRanksOffered()) {
    throw Error(
        "PROCESSION_BACKEND is 'mpi', which is not built into this program; link it with "
        "procession::mpi, or use fork or serial");
  }
  if (!isForkSupported()) {
    throw Error(
        "worker processes need Linux 5.4 or newer (pidfd_open, memfd_create); "
        "PROCESSION_BACKEND=serial works here");
  }
  return choice == Mpi ? BackendKind::Mpi : BackendKind::Fork;
}

int chooseWorkerCount(int requested) {
  if (requested < 0) {
    throw std::invalid_argument("the worker count is " + std::to_string(requested) +
                                "; it must be positive, or 0 for every available core");
  }
  if (requested > 0) {
    return requested;
  }
  const int asked = askedWorkerCount();
  return asked != 0 ? asked : availableCores();
}

int askedWorkerCount() {
  constexpr int kMostWorkers = 65536;
  return static_cast<int>(readInteger("PROCESSION_WORKERS", 1, kMostWorkers).value_or(0));
}

void requireSingleRank() {
  const auto launcher = detectLauncher();
  if (!launcher || !launcher->hasSeveralRanks() || isOfJob() || isInsideWorker()) {
    return;
  }
  const std::string ranks =
      launcher->size ? std::to_string(*launcher->size) + " ranks" : "several ranks";
  throw Error("started by " + launcher->name + " with " + ranks + ", " + whyRanksAreApart() +
              ": every rank would do the whole work");
}

bool isForkSupported() {
  static const bool supported = [] {
    const FileDescriptor self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
    const bool hasPidfd = self.isOpen() || isShortage(errno);
    const FileDescriptor memory(memfd_create("procession-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    return hasPidfd && (memory.isOpen() || isShortage(errno));
  }();
  return supported;
}

}  // namespace procession::detail
