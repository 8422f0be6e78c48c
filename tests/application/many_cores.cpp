/// A node of eight cores for the job tests, on any machine: where JOB_NARROW is set, the launcher
/// has bound each rank to the core of its number.
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "support/rank_here.hpp"

namespace {

constexpr int kCores = 8;
bool isWidened = false;

bool isFaked() { return std::getenv("JOB_NARROW") != nullptr; }

}  // namespace

extern "C" int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t* mask) noexcept {
  if (!isFaked()) {
    return static_cast<int>(syscall(SYS_sched_setaffinity, pid, size, mask));
  }
  isWidened = CPU_COUNT_S(size, mask) > 1;
  return 0;
}

extern "C" int sched_getaffinity(pid_t pid, size_t size, cpu_set_t* mask) noexcept {
  std::memset(mask, 0, size);
  if (!isFaked()) {
    return syscall(SYS_sched_getaffinity, pid, size, mask) < 0 ? -1 : 0;
  }
  for (int core = 0; core < kCores; ++core) {
    if (isWidened || core == procession::test::rankHere()) {
      CPU_SET_S(core, size, mask);
    }
  }
  return 0;
}
