#pragma once

#include <sched.h>
#include <sys/types.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace procession::test {

/// What /proc/<pid>/stat tells of a process (proc(5)).
struct ProcessStat {
  std::string name;
  char state = 0;
  pid_t parent = 0;
};

/// Nothing for a process that is gone.
inline std::optional<ProcessStat> statOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // "pid (name) state parent ..."; the name may hold spaces and brackets.
  const auto open = line.find('(');
  const auto close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) {
    return std::nullopt;
  }
  ProcessStat stat;
  stat.name = line.substr(open + 1, close - open - 1);
  std::istringstream rest(line.substr(close + 1));
  rest >> stat.state >> stat.parent;
  return stat;
}

/// 0 for a process that is gone.
inline pid_t parentOf(pid_t pid) { return statOf(pid).value_or(ProcessStat{}).parent; }

/// The entries of a folder whose names are numbers, as those of /proc and of /proc/<pid>/fd.
inline std::vector<int> numbersIn(const std::filesystem::path& folder) {
  std::vector<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

inline std::vector<pid_t> childrenOf(pid_t parent) {
  std::vector<pid_t> children = numbersIn("/proc");
  std::erase_if(children, [parent](pid_t pid) { return parentOf(pid) != parent; });
  return children;
}

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
