#pragma once

#include <sys/resource.h>

#include <cstddef>
#include <vector>

namespace procession::test {

/// Dies of a SIGSEGV of the kernel's, as code with a stray pointer does. Hidden from the
/// undefined-behaviour sanitizer, which would end the process in its own way.
__attribute__((noinline, no_sanitize("undefined"))) inline void writeThroughNull() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;  // NOLINT: on purpose
}

/// While it lives, the process has so many bytes of address space.
class AddressLimit {
 public:
  explicit AddressLimit(std::size_t bytes) {
    getrlimit(RLIMIT_AS, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_AS, &small);
  }
  ~AddressLimit() { setrlimit(RLIMIT_AS, &before_); }
  AddressLimit(const AddressLimit&) = delete;
  AddressLimit& operator=(const AddressLimit&) = delete;

 private:
  rlimit before_{};
};

/// Takes memory until there is none, with an address space that ends soon.
[[noreturn]] inline void useUpMemory() {
  const AddressLimit limit(std::size_t{1} << 30);
  std::vector<std::vector<char>> hoard;
  while (true) {
    hoard.emplace_back(std::size_t{64} << 20);
  }
}

}  // namespace procession::test
