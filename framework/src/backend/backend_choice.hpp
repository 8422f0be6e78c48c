#pragma once

namespace procession::detail {

/// What runs the callbacks of pools.
enum class BackendKind {
  Mpi,     // worker processes behind the ranks of a job
  Fork,    // worker processes on this machine
  Serial,  // this process, through the same encoding, without isolation; for debuggers
};

/// The backend that PROCESSION_BACKEND asks for; when it is unset or empty, Mpi where a launcher
/// started several ranks and the mpi component is there, else Fork. Throws std::invalid_argument
/// for a value that is none, Error for mpi where that is not built in, and for fork on a system
/// that lacks what it needs.
BackendKind chooseBackend();

/// The workers of a pool: `requested` when positive; for 0 PROCESSION_WORKERS, or else every
/// available core. Throws std::invalid_argument for a negative request and for a variable that is
/// no positive number.
int chooseWorkerCount(int requested);
/// PROCESSION_WORKERS; 0 when it is not set.
int askedWorkerCount();

/// Refuses to go on in one of several ranks that do not work together, for each would do the whole
/// work again: without Application::run, without the mpi component, or where PROCESSION_BACKEND
/// asks for another backend. Called where workers are first needed and by Application::run. Throws
/// Error that names the launcher.
void requireSingleRank();

/// True where worker processes can be made: Linux with pidfds and sealed memfds (kernel 5.4 or
/// newer).
bool isForkSupported();

}  // namespace procession::detail
