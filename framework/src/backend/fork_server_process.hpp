#pragma once

#include "system/file_descriptor.hpp"

namespace procession::detail {

/// The life of the fork server: serves pools until the other end of `socket`, its parent's, is
/// closed; ends in `_exit`. To be called in a freshly forked process, which it never leaves.
[[noreturn]] void runForkServer(FileDescriptor socket);

}  // namespace procession::detail
