#include "scheduler/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "procession/detail/scheduler/reduction_tree.hpp"
#include "scheduler/actions.hpp"

namespace procession::test {
namespace {

TEST(SchedulerTest, SixteenItemsForTwoWorkersAreTwoChunksEachSentAtOnce) {
  Scheduler scheduler = makeScheduler(16, 2);
  std::map<int, int> chunks;
  std::uint64_t next = 0;
  for (const Action& action : actionsOf(scheduler)) {
    ASSERT_EQ(action.type, Action::Type::Assign);
    EXPECT_EQ(action.chunk.first, next) << "lowest items first";
    EXPECT_EQ(action.chunk.count, 4u);
    next = action.chunk.end();
    ++chunks[action.worker];
  }
  EXPECT_EQ(next, 16u);
  EXPECT_EQ(chunks, (std::map<int, int>{{0, 2}, {1, 2}}));
  EXPECT_EQ(scheduler.chunksInFlight(), 4u);
}

TEST(SchedulerTest, NineItemsKeepFourWorkersAtWork) {
  Scheduler scheduler = makeScheduler(9, 4);
  std::map<int, std::uint64_t> items;
  for (const Action& action : actionsOf(scheduler)) {
    items[action.worker] += action.chunk.count;
  }
  ASSERT_EQ(items.size(), 4u);
  for (const auto& [worker, count] : items) {
    EXPECT_LE(count, 3u) << "worker " << worker;
  }
}

TEST(SchedulerTest, EveryWorkerGetsAChunkBeforeAnyGetsASecond) {
  Scheduler scheduler = makeScheduler(1'000'000, 5);
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 10u);
  std::set<int> first;
  for (std::size_t i = 0; i < 5; ++i) {
    first.insert(actions[i].worker);
  }
  EXPECT_EQ(first.size(), 5u);
}

TEST(SchedulerTest, NoItemsAreFinishedAtOnce) {
  Scheduler scheduler = makeScheduler(0, 2);
  EXPECT_TRUE(actionsOf(scheduler).empty());
  EXPECT_TRUE(scheduler.isFinished());
}

TEST(SchedulerTest, IsFinishedWhenTheLastChunkIsDone) {
  Scheduler scheduler = makeScheduler(2, 1);
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 2u);
  scheduler.chunkDone(0, actions[0].chunk.id, milliseconds(1), milliseconds(1));
  EXPECT_FALSE(scheduler.isFinished());
  EXPECT_EQ(scheduler.doneItems(), 1u);
  EXPECT_EQ(scheduler.openItems(), 1u);
  scheduler.chunkDone(0, actions[1].chunk.id, milliseconds(1), milliseconds(2));
  EXPECT_TRUE(scheduler.isFinished());
  EXPECT_EQ(scheduler.openItems(), 0u);
}

TEST(SchedulerTest, IsNotFinishedBeforeTheItemsAreClosed) {
  Scheduler scheduler{SchedulerOptions{}};
  scheduler.addWorker(0, 1, Time{0});
  EXPECT_FALSE(scheduler.isFinished());
  scheduler.addItems(10, 1);
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 1u);
  scheduler.chunkDone(0, actions[0].chunk.id, Time{0}, Time{0});
  EXPECT_FALSE(scheduler.isFinished());
  scheduler.closeItems();
  EXPECT_TRUE(scheduler.isFinished());
}

TEST(SchedulerTest, ItemsThatArriveInPiecesAreHandedOut) {
  Scheduler scheduler{SchedulerOptions{}};
  scheduler.addWorker(0, 1, Time{0});
  scheduler.addItems(100, 1);
  EXPECT_EQ(actionsOf(scheduler).size(), 1u);
  scheduler.addItems(7, 1);
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].chunk.first, 7u);
}

TEST(SchedulerTest, AChunkNeverExceedsTheLargestSizeAskedFor) {
  Scheduler scheduler = makeScheduler(1'000'000, 2, {.maxChunkItems = 10});
  for (const Action& action : actionsOf(scheduler)) {
    EXPECT_EQ(action.chunk.count, 10u);
  }
}

TEST(SchedulerTest, ChunkBoundariesFallOnLeaves) {
  Scheduler scheduler = makeScheduler(1'003, 2, {.leafItems = 8});
  std::uint64_t next = 0;
  while (!scheduler.isFinished()) {
    for (const Action& action : actionsOf(scheduler)) {
      EXPECT_EQ(action.chunk.first, next);
      next = action.chunk.end();
      EXPECT_TRUE(next % 8 == 0 || next == 1'003) << next;
      scheduler.chunkDone(action.worker, action.chunk.id, microseconds(300), Time{0});
    }
  }
  EXPECT_EQ(next, 1'003u);
}

TEST(SchedulerTest, ChunksOfAReductionAreNodesAndGrowAsAlignmentAllows) {
  Scheduler scheduler = makeScheduler(1'000'003, 2, {.leafItems = 4, .wholeNodes = true});
  std::uint64_t next = 0;
  std::size_t chunks = 0;
  while (!scheduler.isFinished()) {
    for (const Action& action : actionsOf(scheduler)) {
      const Chunk& chunk = action.chunk;
      EXPECT_EQ(chunk.first, next);
      next = chunk.end();
      EXPECT_NO_THROW(
          (void)detail::nodeOfLeaves(chunk.first / 4, (chunk.count + 3) / 4, 1'000'003 / 4 + 1));
      ++chunks;
      scheduler.chunkDone(action.worker, chunk.id, Time{10 * chunk.count}, Time{0});
    }
  }
  EXPECT_EQ(next, 1'000'003u);
  EXPECT_LE(chunks, 40u);
}

TEST(SchedulerTest, NodesThatArriveInPiecesAreNotJoined) {
  // An agent of a reduction over 16 leaves got two nodes, 0..7 and 8..11, which are not one node.
  Scheduler scheduler{SchedulerOptions{.wholeNodes = true, .worthwhile = seconds(1)}};
  scheduler.addItems(0, 8);
  scheduler.addItems(8, 4);
  scheduler.closeItems();
  scheduler.addWorker(0, 1, Time{0});
  while (!scheduler.isFinished()) {
    for (const Action& action : actionsOf(scheduler)) {
      EXPECT_NO_THROW((void)detail::nodeOfLeaves(action.chunk.first, action.chunk.count, 16));
      scheduler.chunkDone(0, action.chunk.id, Time{1}, Time{0});
    }
  }
  EXPECT_EQ(scheduler.doneItems(), 12u);
}

TEST(SchedulerTest, AnAgentGetsTheNextChunkWhenItHasPassedOneOn) {
  Scheduler scheduler{SchedulerOptions{}};
  scheduler.addItems(0, 1000);
  scheduler.closeItems();
  scheduler.addWorker(0, 8, Time{0});
  const auto first = actionsOf(scheduler);
  ASSERT_EQ(first.size(), 2u);
  scheduler.chunkPassedOn(0, first[0].chunk.id, Time{1});
  scheduler.chunkPassedOn(0, first[0].chunk.id, Time{1});  // once is as good as twice
  EXPECT_EQ(actionsOf(scheduler).size(), 1u);
  EXPECT_EQ(scheduler.chunksInFlight(), 3u);
  scheduler.chunkDone(0, first[0].chunk.id, milliseconds(1), Time{2});
  EXPECT_TRUE(actionsOf(scheduler).empty()) << "its place was taken already";
  EXPECT_THROW(scheduler.chunkPassedOn(0, first[0].chunk.id, Time{3}), std::logic_error);
}

TEST(SchedulerTest, TellsWhatIsNotHandedOut) {
  Scheduler scheduler = makeScheduler(16, 1);
  EXPECT_EQ(scheduler.waitingItems(), 16u);
  actionsOf(scheduler);
  EXPECT_EQ(scheduler.waitingItems(), 8u);
  EXPECT_EQ(scheduler.openItems(), 16u);
}

TEST(SchedulerTest, ALateWorkerGetsWhatIsLeft) {
  Scheduler scheduler = makeScheduler(8, 0);
  EXPECT_TRUE(scheduler.isStranded());
  EXPECT_TRUE(actionsOf(scheduler).empty());
  scheduler.addWorker(3, 1, milliseconds(5));
  EXPECT_FALSE(scheduler.isStranded());
  const auto actions = actionsOf(scheduler, milliseconds(5));
  ASSERT_FALSE(actions.empty());
  EXPECT_EQ(actions[0].worker, 3);
}

TEST(SchedulerTest, HandsOutNothingWhileHeld) {
  Scheduler scheduler = makeScheduler(8, 1);
  scheduler.hold(true);
  EXPECT_TRUE(actionsOf(scheduler).empty());
  EXPECT_FALSE(scheduler.isFinished());
  scheduler.hold(false);
  EXPECT_FALSE(actionsOf(scheduler).empty());
}

TEST(SchedulerTest, AfterCancelItWaitsForChunksInFlightOnly) {
  Scheduler scheduler = makeScheduler(1'000, 2, {.maxChunkItems = 1});
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 4u);
  scheduler.cancel();
  EXPECT_TRUE(scheduler.isCancelled());
  scheduler.chunkDone(actions[0].worker, actions[0].chunk.id, Time{1}, Time{1});
  scheduler.chunkAborted(actions[1].worker, actions[1].chunk.id, 0, Time{1});
  scheduler.chunkAborted(actions[2].worker, actions[2].chunk.id, 0, Time{1});
  EXPECT_FALSE(scheduler.isFinished());
  scheduler.chunkDone(actions[3].worker, actions[3].chunk.id, Time{1}, Time{2});
  EXPECT_TRUE(actionsOf(scheduler).empty());
  EXPECT_TRUE(scheduler.isFinished());
  EXPECT_EQ(scheduler.doneItems(), 2u);
  EXPECT_EQ(scheduler.openItems(), 998u);
}

}  // namespace
}  // namespace procession::test
