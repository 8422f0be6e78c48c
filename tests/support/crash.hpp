#pragma once

namespace procession::test {

/// Dies of a SIGSEGV of the kernel's, as code with a stray pointer does. Hidden from the
/// undefined-behaviour sanitizer, which would end the process in its own way.
__attribute__((noinline, no_sanitize("undefined"))) inline void writeThroughNull() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;  // NOLINT: on purpose
}

}  // namespace procession::test
