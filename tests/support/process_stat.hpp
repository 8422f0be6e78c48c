#pragma once

#include <sched.h>
#include <sys/types.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace procession::test {

/// What /proc/<pid>/stat tells of a process (proc(5)).
struct ProcessStat {
  char state = 0;
  pid_t parent = 0;
};

/// Nothing for a process that is gone.
inline std::optional<ProcessStat> statOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const auto name = line.rfind(')');
  if (name == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream rest(line.substr(name + 1));
  ProcessStat stat;
  rest >> stat.state >> stat.parent;
  return stat;
}

/// 0 for a process that is gone.
inline pid_t parentOf(pid_t pid) { return statOf(pid).value_or(ProcessStat{}).parent; }

/// Whether the process waits for something, as one does that cannot get rid of its output.
inline bool sleepsOrIsGone(pid_t pid) {
  const auto stat = statOf(pid);
  return !stat || stat->state == 'S';
}

/// For a process whose next wait is the one that the test is about.
inline void awaitSleep(pid_t pid) {
  while (!sleepsOrIsGone(pid)) {
    sched_yield();
  }
}

}  // namespace procession::test
