#include "support/leak_guard.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/scratch_folder.hpp"

namespace procession::test {
namespace {

using testing::HasSubstr;

std::string changesSince(const Holdings& before) {
  return LeakGuard::compare(before, Holdings::take(), {});
}

TEST(LeakGuardTest, SaysNothingWhenNothingIsLeft) { EXPECT_EQ(changesSince(Holdings::take()), ""); }

TEST(LeakGuardTest, NamesADescriptorLeftOpenAndWhatItIs) {
  Holdings before = Holdings::take();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::string changes = changesSince(before);
  close(ends[0]);
  close(ends[1]);
  EXPECT_THAT(changes, HasSubstr("descriptor left open: " + std::to_string(ends[0]) + " -> pipe:"));
}

TEST(LeakGuardTest, NamesADescriptorThatWasClosed) {
  int kept = dup(STDIN_FILENO);
  Holdings before = Holdings::take();
  close(kept);
  EXPECT_THAT(changesSince(before),
              HasSubstr("closed that was not the test's: " + std::to_string(kept)));
}

TEST(LeakGuardTest, NamesAChildThatWasNotReapedUnlessItIsAllowed) {
  Holdings before = Holdings::take();
  pid_t child = fork();
  if (child == 0) {
    _exit(0);
  }
  Holdings after = Holdings::take();
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_THAT(LeakGuard::compare(before, after, {}),
              HasSubstr("child left: " + std::to_string(child)));
  EXPECT_EQ(LeakGuard::compare(before, after, {child}), "");
}

TEST(LeakGuardTest, NamesSharedMemoryLeftMapped) {
  Holdings before = Holdings::take();
  void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::string changes = changesSince(before);
  munmap(memory, 4096);
  EXPECT_THAT(changes, HasSubstr("shared memory left mapped: /dev/zero"));
}

// In a folder of its own: the guards of suites that run at the same time must not see it.
TEST(LeakGuardTest, NamesASharedMemoryObjectLeftBehind) {
  const ScratchFolder shared;
  const Holdings before = Holdings::take(shared.path());
  shared.write("procession-object", "");
  shared.write("object of another program", "");
  EXPECT_EQ(LeakGuard::compare(before, Holdings::take(shared.path()), {}),
            "shared-memory object left: " + (shared.path() / "procession-object").string() + "\n");
}

TEST(LeakGuardTest, ReapsOrphansThatItBecameTheParentOf) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) {  // ends when the pipe's last write end, in the test, is closed
      char byte;
      close(ends[1]);
      _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(Holdings::take().children.size(), 1U);
  close(ends[0]);
  close(ends[1]);
  EXPECT_TRUE(LeakGuard::reapOrphans().empty());
  EXPECT_TRUE(Holdings::take().children.empty());
}

// The listener's own verdict; it must not count against the test that provokes it.
TEST(LeakGuardTest, FailsATestThatLeaks) {
  LeakGuard guard;
  guard.OnTestStart(*testing::UnitTest::GetInstance()->current_test_info());
  int leaked = dup(STDIN_FILENO);
  EXPECT_NONFATAL_FAILURE(guard.OnTestEnd(*testing::UnitTest::GetInstance()->current_test_info()),
                          "descriptor left open");
  close(leaked);
}

}  // namespace
}  // namespace procession::test
