#include "backend/backend_choice.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "procession/error.hpp"
#include "system/cores.hpp"
#include "system/environment.hpp"
#include "system/file_descriptor.hpp"
#include "system/launcher.hpp"

namespace procession::detail {
namespace {

// The call exists, but there is no room for another descriptor just now.
bool isShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

}  // namespace

BackendKind chooseBackend() {
  enum Choice : std::size_t { Fork, Mpi, Serial };
  const auto choice = readChoice("PROCESSION_BACKEND", {"fork", "mpi", "serial"}).value_or(Fork);
  if (choice == Serial) {
    return BackendKind::Serial;
  }
  if (choice == Mpi) {
    throw Error(
        "PROCESSION_BACKEND is 'mpi', which is not built into this version; use fork or serial");
  }
  if (!isForkSupported()) {
    throw Error(
        "worker processes need Linux 5.4 or newer (pidfd_open, memfd_create); "
        "PROCESSION_BACKEND=serial works here");
  }
  return BackendKind::Fork;
}

int chooseWorkerCount(int requested) {
  if (requested < 0) {
    throw std::invalid_argument("the worker count is " + std::to_string(requested) +
                                "; it must be positive, or 0 for every available core");
  }
  if (requested > 0) {
    return requested;
  }
  constexpr int kMostWorkers = 65536;
  const auto workers = readInteger("PROCESSION_WORKERS", 1, kMostWorkers);
  return workers ? static_cast<int>(*workers) : availableCores();
}

void requireSingleRank() {
  const auto launcher = detectLauncher();
  if (!launcher || !launcher->hasSeveralRanks()) {
    return;
  }
  const std::string ranks =
      launcher->size ? std::to_string(*launcher->size) + " ranks" : "several ranks";
  throw Error("started by " + launcher->name + " with " + ranks +
              ", but the mpi backend is not built into this version: every rank would do the whole "
              "work; start one rank");
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
