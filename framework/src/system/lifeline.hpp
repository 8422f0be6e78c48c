#pragma once

#include <sys/types.h>

#include "system/file_descriptor.hpp"
#include "system/fork.hpp"

namespace procession::detail {

/// Ends a forked child when its parent is gone, whichever of the parent's threads forked it.
///
/// A pipe whose write end only the parent holds; the child asks for SIGKILL on its read end
/// (F_SETOWN, F_SETSIG, O_ASYNC), which the kernel delivers when the last write end is closed.
/// Unlike PR_SET_PDEATHSIG it does not fire when merely the forking thread ends.
///
///     Lifeline lifeline;             // parent, before fork
///     ... in the child:  lifeline.holdInChild(parentPid);
///     ... in the parent: lifeline.holdInParent();  // keep the object while the child lives
class Lifeline {
 public:
  /// Throws SystemError.
  Lifeline();

  /// In the child, right after the fork: closes the write end and arms the read end. Ends the child
  /// at once
  /// (`_exit`) when the parent is already gone.
  void holdInChild(pid_t parent) noexcept;
  /// In the parent, right after the fork: closes the read end.
  void holdInParent() noexcept { read_.reset(); }

 private:
  FileDescriptor read_;      // the child's end
  PrivateDescriptor write_;  // the parent's end; no other child may keep it open
};

}  // namespace procession::detail
