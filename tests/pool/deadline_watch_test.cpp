#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pool/deadline.hpp"
#include "support/scoped_environment.hpp"

namespace procession::detail {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Time kBegin = hours(3);

TEST(DeadlineWatchTest, WorkersAreToldToLeaveFiveSecondsBefore) {
  DeadlineWatch watch(kBegin, kBegin + hours(1));
  watch.noteChunk(Time(0));
  EXPECT_EQ(watch.stop(), kBegin + hours(1) - seconds(5));
  EXPECT_EQ(watch.lastHandOut(), watch.stop());
}

TEST(DeadlineWatchTest, NothingIsHandedOutThatWouldNotComeBack) {
  DeadlineWatch watch(kBegin, kBegin + hours(1));
  watch.noteChunk(seconds(40));
  watch.noteChunk(seconds(20));
  EXPECT_EQ(watch.lastHandOut(), kBegin + hours(1) - seconds(45));
  EXPECT_EQ(watch.stop(), kBegin + hours(1) - seconds(5));
}

TEST(DeadlineWatchTest, NoMoreThanATenthOfTheTimeIsGivenAway) {
  DeadlineWatch watch(kBegin, kBegin + hours(1));
  watch.noteChunk(minutes(50));
  EXPECT_EQ(watch.lastHandOut(), kBegin + minutes(54));
  const DeadlineWatch brief(kBegin, kBegin + seconds(10));
  EXPECT_EQ(brief.stop(), kBegin + milliseconds(9500));
}

TEST(DeadlineWatchTest, ChunksOfWhichNothingIsKnownMayBeLong) {
  DeadlineWatch watch(kBegin, kBegin + hours(1));
  EXPECT_EQ(watch.lastHandOut(), kBegin + minutes(54));
  watch.noteChunk(seconds(1));
  EXPECT_EQ(watch.lastHandOut(), kBegin + hours(1) - seconds(6));
}

TEST(DeadlineWatchTest, OneThatHasPassedIsNow) {
  DeadlineWatch watch(kBegin, kBegin);
  watch.noteChunk(seconds(1));
  EXPECT_EQ(watch.lastHandOut(), kBegin);
  EXPECT_EQ(watch.stop(), kBegin);
}

class JobDeadlineTest : public testing::Test {
 protected:
  JobDeadlineTest() {
    environment_.unset("SLURM_JOB_ID");
    environment_.unset("SLURM_JOBID");
    environment_.unset("PROCESSION_DEADLINE");
  }
  test::ScopedEnvironment environment_;
};

TEST_F(JobDeadlineTest, ThereIsNoneWithoutVariableAndJob) { EXPECT_FALSE(findJobDeadline()); }

TEST_F(JobDeadlineTest, TheVariableIsPreferredToTheJob) {
  environment_.set("SLURM_JOB_ID", "12");
  environment_.set("SLURM_JOB_END_TIME", "1800000000");
  auto deadline = findJobDeadline();
  ASSERT_TRUE(deadline);
  EXPECT_EQ(deadline->at, WallTime(seconds(1'800'000'000)));
  EXPECT_EQ(deadline->source, "Slurm job 12");
  environment_.set("PROCESSION_DEADLINE", "1900000000");
  deadline = findJobDeadline();
  ASSERT_TRUE(deadline);
  EXPECT_EQ(deadline->at, WallTime(seconds(1'900'000'000)));
  EXPECT_EQ(deadline->source, "PROCESSION_DEADLINE");
  environment_.set("PROCESSION_DEADLINE", "none");
  EXPECT_FALSE(findJobDeadline());
}

TEST_F(JobDeadlineTest, ABadVariableIsAnErrorThatNamesItAndTheForms) {
  environment_.set("PROCESSION_DEADLINE", "tomorrow");
  EXPECT_THAT([] { static_cast<void>(findJobDeadline()); },
              testing::ThrowsMessage<std::invalid_argument>(testing::HasSubstr(
                  "PROCESSION_DEADLINE is 'tomorrow'; it must be none, a time like")));
}

}  // namespace
}  // namespace procession::detail
