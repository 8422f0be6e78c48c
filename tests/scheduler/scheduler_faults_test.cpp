#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/actions.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::test {
namespace {

TEST(SchedulerFaultsTest, AnItemThatThrowsFailsOnceAndEndsTheHandOut) {
  Scheduler scheduler = makeScheduler(100, 1, {.maxChunkItems = 10, .chunksInFlight = 1});
  const auto actions = actionsOf(scheduler);
  scheduler.itemFailed(0, actions[0].chunk.id, 2, Time{1});
  const auto after = actionsOf(scheduler);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_EQ(after[0].type, Action::Type::Fail);
  EXPECT_EQ(after[0].item, 2u);
  EXPECT_EQ(after[0].failure, FailureKind::Threw);
  EXPECT_EQ(after[0].attempts, 1);
  EXPECT_TRUE(scheduler.isFinished());
  EXPECT_TRUE(scheduler.isCancelled());
}

}  // namespace
}  // namespace procession::test
