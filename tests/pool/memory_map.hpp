#pragma once

#include <sys/types.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>

namespace procession::test {

/// Memory of this process, shared memory that it has touched included.
inline std::size_t residentBytes() {
  std::size_t all = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * 4096;
}

/// What a process has of memory files of one size.
struct MemoryMap {
  int mappings = 0;
  std::size_t resident = 0;      // bytes
  std::size_t proportional = 0;  // bytes, where a page that n processes have counts 1/n for each

  static MemoryMap of(pid_t pid, std::size_t bytes) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps");
    MemoryMap found;
    bool isMemoryFile = false;
    bool isOfSize = false;
    for (std::string line; std::getline(file, line);) {
      std::istringstream fields(line);
      std::string name;
      std::size_t kilobytes = 0;
      if (!(fields >> name >> kilobytes) || name.back() != ':') {
        isMemoryFile = isMemoryFile && line.find('-') == std::string::npos;
        isMemoryFile = isMemoryFile || line.find("/memfd:procession") != std::string::npos;
        isOfSize = false;
      } else if (name == "Size:") {
        isOfSize = isMemoryFile && kilobytes * 1024 == bytes;
        found.mappings += isOfSize ? 1 : 0;
        isMemoryFile = false;
      } else if (isOfSize && name == "Rss:") {
        found.resident += kilobytes * 1024;
      } else if (isOfSize && name == "Pss:") {
        found.proportional += kilobytes * 1024;
      }
    }
    return found;
  }
};

}  // namespace procession::test
