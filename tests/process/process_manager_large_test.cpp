#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "process/fork_observer.hpp"
#include "procession/process_manager.hpp"

namespace procession {
namespace {

using detail::makePipe;
using detail::Pipe;

/// Bytes of the heap that are in use.
std::size_t heapInUse() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

void runThousandTasks() {
  ProcessManager manager;
  for (int i = 0; i < 1000; ++i) {
    manager.add([i] {
      if (i % 100 == 0) {
        _exit(i % 7 + 1);
      }
      return std::vector<int>(50, i);
    });
  }
  const auto outcomes = manager.run(2);
  ASSERT_EQ(outcomes.size(), 1000U);
  EXPECT_FALSE(outcomes[500]);
  EXPECT_EQ(outcomes[999].get<std::vector<int>>().front(), 999);
}

// That no descriptor and no zombie is left is the leak guard's to say.
TEST(ProcessManagerLargeTest, TenThousandTasksLeaveNothingBehind) {
  runThousandTasks();  // what is made once is made now
  const std::size_t before = heapInUse();
  for (int round = 0; round < 9; ++round) {
    runThousandTasks();
  }
  EXPECT_LE(heapInUse(), before + 4096);
}

TEST(ProcessManagerLargeTest, MoreThanAThousandProcessesRunAtATime) {
  constexpr int kTasks = 1100;  // a select() would end at 1,024 descriptors
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit most{before.rlim_max, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &most);
  ProcessManager manager;
  const Pipe begun = makePipe();
  const Pipe gate = makePipe();
  for (int i = 0; i < kTasks; ++i) {
    manager.add([&begun, &gate, i] {
      test::sendByte(begun, 'b');
      test::waitForByte(gate);
      return i;
    });
  }
  std::thread controller([&] {
    for (int i = 0; i < kTasks; ++i) {
      test::waitForByte(begun);
    }
    EXPECT_EQ(manager.getRunningCount(), kTasks);
    for (int i = 0; i < kTasks; ++i) {
      test::sendByte(gate, 'o');
    }
  });
  const auto results = manager.run<int>(kTasks);
  controller.join();
  EXPECT_EQ(results.size(), static_cast<std::size_t>(kTasks));
  EXPECT_EQ(results.back(), kTasks - 1);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace procession
