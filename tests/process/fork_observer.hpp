#pragma once

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <string>

#include "system/file_descriptor.hpp"

namespace procession::test {

/// Blocks until somebody sends a byte.
inline char waitForByte(const detail::Pipe& pipe) {
  char byte = 0;
  return read(pipe.read.get(), &byte, 1) == 1 ? byte : '\0';
}

inline void sendByte(const detail::Pipe& pipe, char byte) {
  detail::writeAll(pipe.write.get(), &byte, 1);
}

/// Bytes that wait to be read.
inline int countBytes(const detail::Pipe& pipe) {
  int count = 0;
  ioctl(pipe.read.get(), FIONREAD, &count);
  return count;
}

inline bool isReadable(int descriptor, int milliseconds = 0) {
  pollfd entry{descriptor, POLLIN, 0};
  return poll(&entry, 1, milliseconds) == 1;
}

/// Of the process that the pidfd stands for.
inline bool hasEnded(int pidfd) { return isReadable(pidfd); }

/// A number that this process and its children share.
class SharedCounter {
 public:
  SharedCounter()
      : value_(new(mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<int>(0)) {}
  SharedCounter(const SharedCounter&) = delete;
  SharedCounter& operator=(const SharedCounter&) = delete;
  ~SharedCounter() { munmap(value_, sizeof(std::atomic<int>)); }

  std::atomic<int>& operator*() const { return *value_; }

 private:
  std::atomic<int>* value_;
};

/// Deaths in tests are meant.
inline void withoutCoreDump() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

}  // namespace procession::test
