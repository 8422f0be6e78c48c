#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>

#include "system/file_descriptor.hpp"

namespace procession::detail {

/// The descriptors of this process that no child may keep: channels and lifelines of its siblings.
///
/// Forking code registers what it keeps in the parent; every forked child closes all of it first
/// thing. The registry is locked across the fork, so that a fork in another thread sees whole
/// entries. In the child the objects that it inherited hold nothing any more: their destructors
/// close no descriptor that the child opened since.
class PrivateDescriptor {
 public:
  PrivateDescriptor() = default;
  /// Takes the descriptor and registers it.
  explicit PrivateDescriptor(FileDescriptor descriptor);
  PrivateDescriptor(PrivateDescriptor&& other) noexcept
      : descriptor_(std::move(other.descriptor_)), ticket_(std::exchange(other.ticket_, 0)) {}
  PrivateDescriptor& operator=(PrivateDescriptor&& other) noexcept;
  ~PrivateDescriptor() { reset(); }

  [[nodiscard]] int get() const { return descriptor_.get(); }
  [[nodiscard]] bool isOpen() const { return descriptor_.isOpen(); }
  void reset() noexcept;

 private:
  FileDescriptor descriptor_;
  std::uint64_t ticket_ = 0;  // of the registration; 0: none
};

/// While it lives, no thread forks by forkChild: descriptors made meanwhile can be registered
/// before a child gets them.
class ForkPause {
 public:
  ForkPause();
  ~ForkPause();
  ForkPause(const ForkPause&) = delete;
  ForkPause& operator=(const ForkPause&) = delete;
};

/// fork(2), with stdio flushed before it, all signals blocked across it and the registry locked. In
/// the child: closes every PrivateDescriptor of the parent, puts signal dispositions back to
/// default (keeping ignored ones ignored), and unblocks signals. Returns like fork; throws
/// SystemError that names the limit (EAGAIN: RLIMIT_NPROC or the cgroup's pids.max, and how to
/// raise it; ENOMEM).
pid_t forkChild();

/// The signals that have a handler. Asking for each costs a child 5 to 10 % of its fork; who forks
/// many in a row asks once, and hands on the answer.
sigset_t caughtSignals();
/// The same, for a caller who knows which signals have a handler.
pid_t forkChild(const sigset_t& caught);

/// getpid() without a system call, for what is asked often. Wrong only in children that were made
/// without fork(3) (by clone(2), vfork(2)), which use nothing of this.
[[nodiscard]] pid_t knownPid();

/// True in every process made by forkChild for running callbacks; there, nested use runs serially.
bool isInsideWorker();
void markInsideWorker();

}  // namespace procession::detail
