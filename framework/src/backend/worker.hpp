#pragma once

#include "system/file_descriptor.hpp"

namespace procession::detail {

/// The life of a worker: takes frames from its channel, runs chunks, answers; ends in `_exit` when
/// the channel is closed. To be called in a freshly forked process, which it never leaves.
[[noreturn]] void runWorker(FileDescriptor channel, FileDescriptor arena) noexcept;

/// Signals as workers have them: what a launcher or a terminal sends to the whole group is the
/// parent's to act on.
void ignoreGroupSignals();

}  // namespace procession::detail
