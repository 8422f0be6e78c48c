#pragma once

#include <memory>

#include "backend/spawner.hpp"

namespace procession::detail {

/// What a child of the fork server does that is no pool's worker; it never returns.
using ChildBody = void (*)(FileDescriptor channel, FileDescriptor memory);

/// Forks other processes than workers, too.
class ServerSpawner : public Spawner {
 public:
  /// Asks for a child that runs `body` with its end of a channel and some memory, and to which
  /// signals do what they do by default; Started or Failed follows as a report.
  virtual void startChild(int number, FileDescriptor channel, FileDescriptor memory,
                          ChildBody body) = 0;
};

/// Forks the fork server: a small, single-threaded process that forks the workers of all pools, so
/// that they start from a clean process however large the parent grows and whatever threads and
/// files it opens. To be called first thing in Application::run. Throws SystemError.
void startForkServer();

/// Ends it with its workers and reaps it; dismisses it as a guardian.
void stopForkServer();

/// This process is that rank of a job: should it end from now on without dismissGuardian(), the
/// fork server says so on stderr, with the host's name. No effect without a fork server.
void guardRank(int rank);

/// The end of this process will be no surprise: it leaves the job, or was told to. For handlers,
/// too.
void dismissGuardian();

/// Started, and not found dead.
[[nodiscard]] bool hasForkServer();

/// Forks by the fork server. Throws SystemError when there is none (any more).
std::unique_ptr<ServerSpawner> makeServerSpawner();

}  // namespace procession::detail
