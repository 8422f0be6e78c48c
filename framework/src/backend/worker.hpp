#pragma once

#include <csignal>

#include "system/file_descriptor.hpp"

namespace procession::detail {

/// The life of a worker: takes frames from its channel, runs chunks, answers; ends in `_exit` when
/// the channel is closed. To be called in a freshly forked process, which it never leaves.
[[noreturn]] void runWorker(FileDescriptor channel, FileDescriptor arena) noexcept;

/// What a launcher or a terminal sends to the whole group, and is the parent's to act on.
inline constexpr int kGroupSignals[] = {SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
/// As workers have them.
void ignoreGroupSignals();

}  // namespace procession::detail
