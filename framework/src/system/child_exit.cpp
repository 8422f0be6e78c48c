#include "system/child_exit.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace procession::detail {

namespace {

// Exit handlers run last in, first out. Registered in the child, these two come after those of the
// callback and before all that the parent had, which they keep from running. glibc hands every
// handler the status, as its second argument here.

void leaveAtExit(int status, void*) {
  flushStandardOutput();
  ::_exit(status);
}

void leaveAtQuickExit(void*, int status) { ::_exit(status); }

}  // namespace

void endAtExit() {
  ::on_exit(leaveAtExit, nullptr);
  std::at_quick_exit(reinterpret_cast<void (*)()>(leaveAtQuickExit));
}

void flushStandardOutput() noexcept {
  try {
    std::cout.flush();
    std::clog.flush();
    std::wcout.flush();
    std::wclog.flush();
  } catch (...) {
    // A stream with exceptions on and nowhere to write: nothing to be done about it here.
  }
  std::fflush(nullptr);
}

}  // namespace procession::detail
