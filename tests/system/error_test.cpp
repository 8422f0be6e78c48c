#include "procession/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

namespace procession {
namespace {

TEST(OriginTest, TellsWhatIsKnown) {
  EXPECT_EQ(Origin{}.describe(), "");
  EXPECT_EQ((Origin{.item = 4711, .host = "node7", .rank = {}, .pid = 1234}.describe()),
            "item 4711, pid 1234 on node7");
  EXPECT_EQ((Origin{.item = 0, .host = "", .rank = 3, .pid = 0}.describe()), "item 0, rank 3");
  EXPECT_EQ((Origin{.item = {}, .host = "node7", .rank = {}, .pid = 0}.describe()), "on node7");
}

TEST(TaskErrorTest, TellsTheWholeChainOutermostFirst) {
  const TaskError error({{"Unreadable", "cannot read the grid"}, {"std::runtime_error", "no file"}},
                        {.item = 3, .host = "node7", .rank = {}, .pid = 12});
  EXPECT_STREQ(error.what(),
               "the callback threw Unreadable: cannot read the grid, caused by std::runtime_error: "
               "no file (item 3, pid 12 on node7)");
  EXPECT_EQ(error.getType(), "Unreadable");
  EXPECT_EQ(error.getMessage(), "cannot read the grid");
  EXPECT_EQ(error.getChain().size(), 2U);
  EXPECT_EQ(error.getItem(), 3U);
  EXPECT_EQ(error.getPid(), 12);
  EXPECT_EQ(error.getHost(), "node7");
}

TEST(TaskErrorTest, LeavesOutAnEmptyMessage) {
  EXPECT_STREQ(TaskError({{"int", ""}}, {}).what(), "the callback threw int");
}

TEST(TaskErrorTest, NeedsAnException) { EXPECT_THROW(TaskError({}, {}), std::invalid_argument); }

TEST(WorkerLostTest, TellsHowTheProcessEnded) {
  const Origin origin{.item = 5, .host = "", .rank = {}, .pid = 12};
  const WorkerLost killed(ProcessStatus::signaled(SIGSEGV), origin);
  EXPECT_STREQ(
      killed.what(),
      "the process that ran the callback was killed by signal 11 (SIGSEGV) (item 5, pid 12)");
  EXPECT_EQ(killed.getSignal(), SIGSEGV);
  EXPECT_EQ(killed.getExitCode(), std::nullopt);
  const WorkerLost left(ProcessStatus::exited(3), {});
  EXPECT_STREQ(left.what(),
               "the process that ran the callback exited with code 3 before the callback returned");
  EXPECT_EQ(left.getExitCode(), 3);
  EXPECT_STREQ(WorkerLost(ProcessStatus::running(), {}).what(),
               "the process that ran the callback is gone");
}

TEST(TaskTimeoutTest, TellsTheLimit) {
  const TaskTimeout error(std::chrono::milliseconds(1500),
                          {.item = 2, .host = "", .rank = {}, .pid = 0});
  EXPECT_STREQ(error.what(),
               "the callback ran longer than its limit of 1500 ms and was killed (item 2)");
  EXPECT_EQ(error.getLimit(), std::chrono::milliseconds(1500));
}

TEST(InterruptedTest, NamesTheSignal) {
  EXPECT_STREQ(Interrupted("map was stopped", SIGINT).what(), "map was stopped (SIGINT)");
  EXPECT_STREQ(Interrupted("the deadline has come").what(), "the deadline has come");
}

TEST(SystemErrorTest, TellsTheReasonOfTheSystem) {
  const SystemError error("cannot make a pipe", EIO);
  EXPECT_STREQ(error.what(), "cannot make a pipe: Input/output error");
  EXPECT_EQ(error.getErrno(), EIO);
  EXPECT_STREQ(SystemError("the fork server is gone", 0).what(), "the fork server is gone");
  EXPECT_STREQ(SystemError("odd", 123456).what(), "odd: error 123456");
}

TEST(SystemErrorTest, TellsHowToRaiseTheLimitOfDescriptors) {
  const std::string text = SystemError("cannot make a pipe", EMFILE).what();
  EXPECT_NE(text.find("RLIMIT_NOFILE"), std::string::npos) << text;
  EXPECT_NE(text.find("ulimit -n"), std::string::npos) << text;
  EXPECT_NE(std::string(SystemError("x", ENFILE).what()).find("fs.file-max"), std::string::npos);
}

}  // namespace
}  // namespace procession
