#include "system/slurm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "procession/error.hpp"
#include "support/in_child.hpp"
#include "support/scoped_environment.hpp"
#include "support/scratch_folder.hpp"
#include "system/command.hpp"

namespace procession::detail {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

const WallTime kEnd{seconds(1'800'000'000)};

/// With a squeue of its own on the PATH.
class SlurmTest : public testing::Test {
 protected:
  SlurmTest() {
    environment_.set("PATH", folder_.path().string() + ":" + std::getenv("PATH"));
    environment_.set("TZ", "UTC");
    environment_.unset("SLURM_JOB_END_TIME");
    environment_.unset("PROCESSION_LOG");
    tzset();
  }
  ~SlurmTest() override { tzset(); }

  void makeSqueue(const std::string& body) {
    folder_.write("squeue", "#!/bin/sh\n" + body + "\n");
    chmod((folder_.path() / "squeue").c_str(), 0700);
  }
  /// In a child, for what is logged: "1800000000 <log>", or "none <log>".
  static std::string answer() {
    const auto end = test::inChild([] {
      const auto time = askSlurmForEnd("4711");
      const std::string text =
          time ? std::to_string(std::chrono::system_clock::to_time_t(*time)) : "none";
      return ::write(STDOUT_FILENO, (text + " ").data(), text.size() + 1) > 0 ? 0 : 1;
    });
    while (waitpid(-1, nullptr, 0) > 0) {  // what squeue had started, and was killed with it
    }
    return end.output;
  }

  test::ScratchFolder folder_;
  test::ScopedEnvironment environment_;
};

TEST_F(SlurmTest, TheEndIsWhatSqueueSaysOfTheJob) {
  makeSqueue(
      R"(case "$*" in *4711*) [ "$SLURM_TIME_FORMAT" = standard ] && echo 2027-01-15T08:00:00;; esac)");
  EXPECT_EQ(answer(), "1800000000 ");
}

TEST_F(SlurmTest, AFormatOfTheUsersDoesNotMatter) {
  environment_.set("SLURM_TIME_FORMAT", "relative");
  makeSqueue(R"([ "$SLURM_TIME_FORMAT" = standard ] && echo 2027-01-15T08:00:00)");
  EXPECT_EQ(answer(), "1800000000 ");
}

TEST_F(SlurmTest, TheVariableOfNewerVersionsIsPreferred) {
  makeSqueue("echo 2030-01-01T00:00:00");
  environment_.set("SLURM_JOB_END_TIME", "1800000000");
  EXPECT_EQ(answer(), "1800000000 ");
}

TEST_F(SlurmTest, AJobWithoutALimitHasNoEndAndThatIsNothingToTell) {
  for (const char* text : {"Unknown", "N/A", "NONE"}) {
    makeSqueue(std::string("echo ") + text);
    EXPECT_EQ(answer(), "none ") << text;
  }
}

TEST_F(SlurmTest, WhatItCannotReadIsToldOnce) {
  makeSqueue("echo 'slurm_load_jobs error: Invalid job id specified'");
  EXPECT_THAT(answer(),
              AllOf(HasSubstr("procession: the end of Slurm job 4711 is not known (squeue says "
                              "'slurm_load_jobs error: Invalid job id specified')"),
                    HasSubstr("none ")));
  makeSqueue("true");
  EXPECT_THAT(answer(), HasSubstr("squeue says ''"));
}

TEST_F(SlurmTest, AFailureIsTold) {
  makeSqueue("echo 2027-01-15T08:00:00; exit 3");
  EXPECT_THAT(answer(), ContainsRegex("not known .squeue .*3"));
  environment_.set("PATH", folder_.path().string() + "/nowhere");
  EXPECT_THAT(answer(), HasSubstr("cannot start squeue: No such file or directory"));
}

TEST_F(SlurmTest, OneThatHangsIsEndedWithAllThatItStarted) {
  makeSqueue("sleep 1000 & sleep 1000");
  EXPECT_THAT(answer(), HasSubstr("squeue took too long"));
  makeSqueue("exec >/dev/null; sleep 1000");
  EXPECT_THAT(answer(), HasSubstr("squeue took too long"));
}

TEST_F(SlurmTest, OneThatTalksForEverIsEnded) {
  makeSqueue("yes");
  EXPECT_THAT(answer(), HasSubstr("squeue took too long"));
}

TEST_F(SlurmTest, TheJobIsKnownByEitherVariable) {
  environment_.unset("SLURM_JOB_ID");
  environment_.unset("SLURM_JOBID");
  EXPECT_EQ(slurmJob(), std::nullopt);
  environment_.set("SLURM_JOBID", "12");
  EXPECT_EQ(slurmJob(), "12");
  environment_.set("SLURM_JOB_ID", "13");
  EXPECT_EQ(slurmJob(), "13");
}

TEST_F(SlurmTest, TimesOfSlurmAreNoTimesFromNow) {
  EXPECT_EQ(parseSlurmEnd("2027-01-15T08:00:00  "), kEnd);
  EXPECT_EQ(parseSlurmEnd("+5m"), std::nullopt);
}

TEST(CommandTest, TheFirstLineIsTheAnswer) {
  using std::chrono::milliseconds;
  EXPECT_EQ(firstLineOf({"printf", "a b\\nc\\n"}, {}, milliseconds(20'000)), "a b");
  EXPECT_EQ(firstLineOf({"sh", "-c", "echo $PROBE"}, {"PROBE=seen"}, milliseconds(20'000)), "seen");
  EXPECT_THROW(firstLineOf({"false"}, {}, milliseconds(20'000)), Error);
}

}  // namespace
}  // namespace procession::detail
