#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "procession/process_status.hpp"

namespace procession::test {

/// What was seen of a process from outside.
struct ChildEnd {
  ProcessStatus status;
  std::string output;  // what it wrote to stdout and stderr
};

/// Runs `body` in a plain forked child, for what changes or ends a process. The child's exit code
/// is what `body` returns; nothing runs after it. GoogleTest's expectations in the child count for
/// nothing: return a number instead.
template <class Body>
ChildEnd inChild(Body body) {
  int ends[2];
  if (pipe(ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    _exit(body());
  }
  close(ends[1]);
  ChildEnd end;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
    end.output.append(buffer, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  siginfo_t info{};
  waitid(P_PID, static_cast<id_t>(child), &info, WEXITED);
  end.status = ProcessStatus::fromWaitid(info.si_code, info.si_status);
  return end;
}

}  // namespace procession::test
