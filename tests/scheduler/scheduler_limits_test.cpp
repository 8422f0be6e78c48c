#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/actions.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::test {
namespace {

using testing::IsEmpty;

constexpr SchedulerOptions kTenSeconds{.maxChunkItems = 2, .timeout = seconds(10)};

TEST(SchedulerLimitsTest, WithoutATimeLimitOnlyEventsMatter) {
  Scheduler scheduler = makeScheduler(8, 1);
  actionsOf(scheduler);
  EXPECT_EQ(scheduler.nextWakeUp(), std::nullopt);
}

TEST(SchedulerLimitsTest, WithoutChunksThereIsNothingToLookAt) {
  Scheduler scheduler = makeScheduler(8, 1, kTenSeconds);
  EXPECT_EQ(scheduler.nextWakeUp(), std::nullopt);
  for (const Action& action : actionsOf(scheduler)) {
    scheduler.chunkDone(0, action.chunk.id, milliseconds(1), milliseconds(2));
  }
  EXPECT_EQ(scheduler.nextWakeUp(), std::nullopt);
}

TEST(SchedulerLimitsTest, LooksWhenAnItemCanHaveExceededItsLimitAtTheEarliest) {
  Scheduler scheduler = makeScheduler(8, 1, kTenSeconds);
  actionsOf(scheduler, seconds(1));
  EXPECT_EQ(scheduler.nextWakeUp(), seconds(11));
  scheduler.observed(0, 1, seconds(4), seconds(11));
  EXPECT_EQ(scheduler.nextWakeUp(), seconds(14));
  EXPECT_THAT(actionsOf(scheduler, seconds(11)), IsEmpty());
}

TEST(SchedulerLimitsTest, TheNextChunksLimitBeginsWhenThisOneIsDone) {
  Scheduler scheduler = makeScheduler(4, 1, kTenSeconds);
  const auto actions = actionsOf(scheduler, seconds(0));
  ASSERT_EQ(actions.size(), 2u);
  scheduler.chunkDone(0, actions[0].chunk.id, seconds(7), seconds(7));
  EXPECT_EQ(scheduler.nextWakeUp(), seconds(17));
}

TEST(SchedulerLimitsTest, AnItemThatExceedsItsLimitHasItsWorkerKilledAndFails) {
  Scheduler scheduler = makeScheduler(8, 1, kTenSeconds);
  actionsOf(scheduler, seconds(0));
  scheduler.observed(0, 1, seconds(0), seconds(10));
  const auto kill = actionsOf(scheduler, seconds(10));
  ASSERT_EQ(kill.size(), 1u);
  EXPECT_EQ(kill[0].type, Action::Type::Kill);
  EXPECT_EQ(kill[0].worker, 0);
  EXPECT_EQ(kill[0].item, 1u);
  EXPECT_EQ(scheduler.nextWakeUp(), std::nullopt) << "killed once is enough";
  scheduler.observed(0, 1, seconds(0), seconds(11));
  EXPECT_THAT(actionsOf(scheduler, seconds(11)), IsEmpty());

  scheduler.workerLost(0, 1, true, seconds(12));
  const auto fail = actionsOf(scheduler, seconds(12));
  ASSERT_EQ(fail.size(), 1u);
  EXPECT_EQ(fail[0].type, Action::Type::Fail);
  EXPECT_EQ(fail[0].item, 1u);
  EXPECT_EQ(fail[0].failure, FailureKind::TimedOut);
}

TEST(SchedulerLimitsTest, AWorkerThatWillBeKilledGetsNothingMore) {
  Scheduler scheduler = makeScheduler(8, 1, kTenSeconds);
  const auto actions = actionsOf(scheduler, seconds(0));
  scheduler.observed(0, 1, seconds(0), seconds(10));
  ASSERT_EQ(actionsOf(scheduler, seconds(10)).size(), 1u);
  scheduler.chunkDone(0, actions[0].chunk.id, seconds(10), seconds(11));
  EXPECT_THAT(actionsOf(scheduler, seconds(11)), IsEmpty());
}

TEST(SchedulerLimitsTest, TheItemThatExceededItsLimitIsToBlameNotTheOneAfterIt) {
  Scheduler scheduler = makeScheduler(8, 1, kTenSeconds);
  actionsOf(scheduler, seconds(0));
  scheduler.observed(0, 0, seconds(0), seconds(10));
  actionsOf(scheduler, seconds(10));
  scheduler.workerLost(0, 1, true, seconds(10));
  const auto fail = actionsOf(scheduler, seconds(10));
  ASSERT_EQ(fail.size(), 1u);
  EXPECT_EQ(fail[0].item, 0u);
}

TEST(SchedulerLimitsTest, AnItemThatIsDoneBeforeTheKillFailsNobody) {
  Scheduler scheduler = makeScheduler(8, 1, kTenSeconds);
  const auto actions = actionsOf(scheduler, seconds(0));
  scheduler.observed(0, 1, seconds(0), seconds(10));
  ASSERT_EQ(actionsOf(scheduler, seconds(10)).size(), 1u);
  scheduler.chunkDone(0, actions[0].chunk.id, seconds(10), seconds(11));
  scheduler.workerLost(0, 2, true, seconds(12));
  EXPECT_THAT(actionsOf(scheduler, seconds(12)), IsEmpty());
  scheduler.addWorker(1, 1, seconds(12));
  EXPECT_EQ(actionsOf(scheduler, seconds(12)).size(), 2u);
}

TEST(SchedulerLimitsTest, AnItemThatIsDoneBeforeTheActionIsTakenSparesItsWorker) {
  Scheduler scheduler = makeScheduler(8, 1, kTenSeconds);
  const auto actions = actionsOf(scheduler, seconds(0));
  scheduler.observed(0, 1, seconds(0), seconds(10));
  scheduler.chunkDone(0, actions[0].chunk.id, seconds(10), seconds(10));
  const auto next = actionsOf(scheduler, seconds(10));
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].type, Action::Type::Assign);
  EXPECT_EQ(scheduler.nextWakeUp(), seconds(20));
}

TEST(SchedulerLimitsTest, AnItemOfAChunkThatCameBackSaysNothingOfTheNext) {
  Scheduler scheduler = makeScheduler(4, 1, kTenSeconds);
  const auto actions = actionsOf(scheduler, seconds(0));
  scheduler.chunkDone(0, actions[0].chunk.id, seconds(9), seconds(9));
  scheduler.observed(0, 1, seconds(0), seconds(10));
  EXPECT_THAT(actionsOf(scheduler, seconds(10)), IsEmpty());
  EXPECT_EQ(scheduler.nextWakeUp(), seconds(20));
}

TEST(SchedulerLimitsTest, AWorkerThatHasBegunNothingIsLookedAtAgainWithoutSpinning) {
  Scheduler scheduler = makeScheduler(8, 1, kTenSeconds);
  actionsOf(scheduler, seconds(0));
  actionsOf(scheduler, seconds(10));  // nothing was observed
  ASSERT_TRUE(scheduler.nextWakeUp());
  EXPECT_GT(*scheduler.nextWakeUp(), seconds(10));
  EXPECT_LE(*scheduler.nextWakeUp(), seconds(11));
}

TEST(SchedulerLimitsTest, LimitsHoldAfterCancelToo) {
  Scheduler scheduler = makeScheduler(8, 1, kTenSeconds);
  actionsOf(scheduler, seconds(0));
  scheduler.cancel();
  scheduler.observed(0, 0, seconds(0), seconds(10));
  EXPECT_FALSE(scheduler.isFinished());
  const auto kill = actionsOf(scheduler, seconds(10));
  ASSERT_EQ(kill.size(), 1u);
  EXPECT_EQ(kill[0].type, Action::Type::Kill);
}

}  // namespace
}  // namespace procession::test
