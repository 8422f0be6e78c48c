#include "procession/process_status.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

namespace procession {
namespace {

TEST(ProcessStatusTest, BeforeTheEndThereIsNoCode) {
  for (const ProcessStatus& status : {ProcessStatus(), ProcessStatus::running()}) {
    EXPECT_FALSE(status.hasEnded());
    EXPECT_FALSE(status.isSuccess());
    EXPECT_EQ(status.getExitCode(), std::nullopt);
    EXPECT_EQ(status.getSignal(), std::nullopt);
    EXPECT_EQ(status.getShellCode(), std::nullopt);
  }
  EXPECT_EQ(ProcessStatus().describe(), "not started");
  EXPECT_EQ(ProcessStatus::running().describe(), "running");
  EXPECT_TRUE(ProcessStatus::running().isRunning());
}

TEST(ProcessStatusTest, DecodesAnExit) {
  const auto status = ProcessStatus::fromWaitid(CLD_EXITED, 3);
  EXPECT_EQ(status, ProcessStatus::exited(3));
  EXPECT_EQ(status.getState(), ProcessStatus::State::Exited);
  EXPECT_TRUE(status.hasEnded());
  EXPECT_EQ(status.getExitCode(), 3);
  EXPECT_EQ(status.getShellCode(), 3);
  EXPECT_EQ(status.getSignal(), std::nullopt);
  EXPECT_EQ(status.describe(), "exited with code 3");
  EXPECT_FALSE(status.isSuccess());
  EXPECT_TRUE(ProcessStatus::exited(0).isSuccess());
}

TEST(ProcessStatusTest, DecodesASignal) {
  const auto status = ProcessStatus::fromWaitid(CLD_KILLED, SIGSEGV);
  EXPECT_EQ(status, ProcessStatus::signaled(SIGSEGV));
  EXPECT_TRUE(status.isSignaled());
  EXPECT_EQ(status.getSignal(), SIGSEGV);
  EXPECT_EQ(status.getShellCode(), 128 + SIGSEGV);
  EXPECT_EQ(status.getExitCode(), std::nullopt);
  EXPECT_EQ(status.describe(), "killed by signal 11 (SIGSEGV)");
}

TEST(ProcessStatusTest, KnowsOfACoreDump) {
  const auto status = ProcessStatus::fromWaitid(CLD_DUMPED, SIGABRT);
  EXPECT_TRUE(status.hasCoreDump());
  EXPECT_EQ(status.describe(), "killed by signal 6 (SIGABRT, core dumped)");
  EXPECT_FALSE(ProcessStatus::signaled(SIGABRT).hasCoreDump());
}

TEST(ProcessStatusTest, AStoppedProcessRuns) {
  EXPECT_TRUE(ProcessStatus::fromWaitid(CLD_STOPPED, SIGSTOP).isRunning());
  EXPECT_TRUE(ProcessStatus::fromWaitid(CLD_CONTINUED, SIGCONT).isRunning());
}

TEST(SignalNameTest, NamesSignalsAndNumbersTheRest) {
  EXPECT_EQ(signalName(SIGTERM), "SIGTERM");
  EXPECT_EQ(signalName(SIGRTMIN + 1), "SIG" + std::to_string(SIGRTMIN + 1));
  EXPECT_EQ(signalName(1000), "SIG1000");
}

}  // namespace
}  // namespace procession
