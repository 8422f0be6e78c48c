#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "backend/fork_server.hpp"
#include "procession/process_status.hpp"
#include "support/in_child.hpp"

namespace procession::test {

/// For what changes or ends the whole process: a child of the test does it. Workers by a fork
/// server of its own, or directly.
class ChildPoolTest : public testing::TestWithParam<bool> {
 protected:
  /// Starts a child that runs `body` and exits with what it returns.
  template <class Body>
  pid_t start(Body body) {
    const pid_t child = fork();
    if (child == 0) {
      _exit(runBody(body));
    }
    return child;
  }
  template <class Body>
  ChildEnd run(Body body) {
    return inChild([&] { return runBody(body); });
  }
  static ProcessStatus awaitEnd(pid_t child) {
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(child), &info, WEXITED);
    return ProcessStatus::fromWaitid(info.si_code, info.si_status);
  }

  template <class Body>
  int runBody(Body body) {
    if (GetParam()) {
      detail::startForkServer();
    }
    int code =
        99;  // of an exception that nobody expected; it must not get into the test's own frames
    try {
      code = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "unexpected: %s\n", error.what());
    }
    detail::stopForkServer();
    return code;
  }
};

}  // namespace procession::test
