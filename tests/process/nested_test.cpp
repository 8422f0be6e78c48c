#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "procession/error.hpp"
#include "procession/fork_process.hpp"
#include "procession/process_manager.hpp"
#include "support/scoped_environment.hpp"

namespace procession {
namespace {

/// What `body` returns inside a worker.
template <class Body>
auto insideWorker(Body body) {
  ForkProcess worker(std::move(body));
  worker.start();
  EXPECT_EQ(worker.wait(), 0);
  return worker.getOutput();
}

TEST(NestedTest, AForkProcessInsideAWorkerRunsInThatWorker) {
  EXPECT_TRUE(insideWorker([] {
    ForkProcess inner([] { return static_cast<int>(getpid()); });
    inner.start();
    return !inner.isRunning() && inner.wait() == 0 && inner.getOutput() == getpid() &&
           inner.getPid() == getpid() && inner.getStatus().isSuccess() && !inner.kill();
  }));
}

TEST(NestedTest, ErrorsInsideAWorkerAreTheSame) {
  EXPECT_EQ(insideWorker([] {
              ForkProcess inner([]() -> int { throw std::out_of_range("inner"); });
              inner.start();
              const int code = inner.wait();
              try {
                return inner.getOutput();
              } catch (const TaskError& error) {
                return error.getType() == "std::out_of_range" && error.getMessage() == "inner"
                           ? code
                           : -1;
              }
            }),
            1);
}

TEST(NestedTest, AManagerInsideAWorkerRunsItsTasksInOrderInThatWorker) {
  const auto results = insideWorker([] {
    ProcessManager manager;
    std::vector<int> begun;
    for (int i = 0; i < 5; ++i) {
      manager.add([&begun, i] {
        begun.push_back(i);  // the same memory, so all of them see it
        return static_cast<int>(begun.size());
      });
    }
    return manager.run<int>(3);
  });
  EXPECT_EQ(results, (std::vector{1, 2, 3, 4, 5}));
}

TEST(NestedTest, AManagerOfTheParentIsRefusedInAWorker) {
  ProcessManager manager;
  EXPECT_EQ(insideWorker([&manager] {
              int refused = 0;
              try {
                manager.add([] {});
              } catch (const std::logic_error&) {
                ++refused;
              }
              try {
                manager.run();
              } catch (const std::logic_error&) {
                ++refused;
              }
              manager.killAll();  // nothing there to kill
              return refused;
            }),
            2);
}

TEST(NestedTest, CopiesOfTheParentsProcessesEndNothingInAWorker) {
  std::vector<ForkProcess<int>> siblings;
  siblings.emplace_back([] {
    while (true) {
      pause();
    }
    return 0;
  });
  siblings.back().start();
  EXPECT_TRUE(insideWorker([&siblings] {
    siblings.clear();
    return true;
  }));
  EXPECT_TRUE(siblings.back().isRunning());
  EXPECT_TRUE(siblings.back().kill());
  EXPECT_EQ(siblings.back().wait(), 128 + SIGTERM);
}

TEST(NestedTest, OnTheSerialBackendTasksRunInThisProcess) {
  test::ScopedEnvironment environment;
  environment.set("PROCESSION_BACKEND", "serial");
  ForkProcess task([] { return static_cast<int>(getpid()); });
  task.start();
  EXPECT_EQ(task.wait(), 0);
  EXPECT_EQ(task.getOutput(), getpid());
  ProcessManager manager;
  const auto handle = manager.add([] { return static_cast<int>(getpid()); });
  handle->start();
  EXPECT_EQ(handle->wait(), 0);
  EXPECT_EQ(handle->getOutput(), getpid());
}

}  // namespace
}  // namespace procession
