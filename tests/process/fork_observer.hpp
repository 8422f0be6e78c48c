#pragma once

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
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

inline bool isReadable(int descriptor, int milliseconds = 0) {
  pollfd entry{descriptor, POLLIN, 0};
  return poll(&entry, 1, milliseconds) == 1;
}

/// Of the process that the pidfd stands for.
inline bool hasEnded(int pidfd) { return isReadable(pidfd); }

/// Deaths in tests are meant.
inline void withoutCoreDump() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

/// Whether the process waits for something, as one does that cannot get rid of its output.
inline bool sleepsOrIsGone(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const auto name = stat.rfind(')');
  return name == std::string::npos || stat.at(name + 2) == 'S';
}

}  // namespace procession::test
