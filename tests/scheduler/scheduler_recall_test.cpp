#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/actions.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::test {
namespace {

using testing::IsEmpty;

/// Worker 1 has nothing to do while worker 0 has two chunks; the items are dear.
struct Straggler {
  Straggler() : scheduler(makeScheduler(3, 2, {.maxChunkItems = 1})) {
    const auto actions = actionsOf(scheduler);
    EXPECT_EQ(actions.size(), 3u);
    working = actions[0].chunk;
    waiting = actions[2].chunk;
    EXPECT_EQ(actions[2].worker, 0);
    scheduler.chunkDone(1, actions[1].chunk.id, milliseconds(50), milliseconds(50));
  }

  Scheduler scheduler;
  Chunk working;
  Chunk waiting;
};

TEST(SchedulerRecallTest, AnIdleWorkerGetsTheChunkThatWaitsBehindAStraggler) {
  Straggler straggler;
  Scheduler& scheduler = straggler.scheduler;
  const auto recall = actionsOf(scheduler, milliseconds(50));
  ASSERT_EQ(recall.size(), 1u) << "and asks once";
  EXPECT_EQ(recall[0].type, Action::Type::Recall);
  EXPECT_EQ(recall[0].worker, 0);
  EXPECT_EQ(recall[0].chunk, straggler.waiting);
  scheduler.recalled(0, straggler.waiting.id, milliseconds(51));
  const auto again = actionsOf(scheduler, milliseconds(51));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].type, Action::Type::Assign);
  EXPECT_EQ(again[0].worker, 1);
  EXPECT_EQ(again[0].chunk.first, straggler.waiting.first);
}

TEST(SchedulerRecallTest, AfterARefusalItDoesNotAskForTheChunkAgain) {
  Straggler straggler;
  Scheduler& scheduler = straggler.scheduler;
  ASSERT_EQ(actionsOf(scheduler).size(), 1u);
  scheduler.recallRefused(0, straggler.waiting.id, milliseconds(51));
  EXPECT_THAT(actionsOf(scheduler, milliseconds(51)), IsEmpty());
  scheduler.chunkDone(0, straggler.working.id, milliseconds(1), milliseconds(52));
  EXPECT_THAT(actionsOf(scheduler, milliseconds(52)), IsEmpty());
  scheduler.chunkDone(0, straggler.waiting.id, milliseconds(1), milliseconds(53));
  EXPECT_TRUE(scheduler.isFinished());
}

TEST(SchedulerRecallTest, AChunkMayBeDoneBeforeTheRecallArrives) {
  Straggler straggler;
  Scheduler& scheduler = straggler.scheduler;
  ASSERT_EQ(actionsOf(scheduler).size(), 1u);
  scheduler.chunkDone(0, straggler.working.id, milliseconds(1), milliseconds(51));
  scheduler.chunkDone(0, straggler.waiting.id, milliseconds(1), milliseconds(52));
  EXPECT_TRUE(scheduler.isFinished());
  scheduler.recallRefused(0, straggler.waiting.id, milliseconds(53));
  EXPECT_TRUE(scheduler.isFinished());
  EXPECT_THROW(scheduler.recallRefused(0, straggler.waiting.id, milliseconds(53)), std::logic_error)
      << "one answer is enough";
}

TEST(SchedulerRecallTest, AWorkerThatDiesWithARecallOpenLeavesRoomForOthers) {
  Straggler straggler;
  Scheduler& scheduler = straggler.scheduler;
  ASSERT_EQ(actionsOf(scheduler).size(), 1u);
  scheduler.workerLost(0, straggler.working.first, false, milliseconds(60));
  EXPECT_TRUE(scheduler.isCancelled());
  EXPECT_EQ(actionsOf(scheduler).size(), 1u);
  EXPECT_TRUE(scheduler.isFinished());
}

TEST(SchedulerRecallTest, CheapItemsAreNotWorthTheMessages) {
  Scheduler scheduler = makeScheduler(3, 2, {.maxChunkItems = 1});
  const auto actions = actionsOf(scheduler);
  scheduler.chunkDone(1, actions[1].chunk.id, microseconds(3), microseconds(50));
  EXPECT_THAT(actionsOf(scheduler), IsEmpty());
}

TEST(SchedulerRecallTest, AnIdleWorkerGetsTheEndOfWhatAnotherWorksOn) {
  Scheduler scheduler = makeScheduler(8, 2, {.chunksInFlight = 1, .splitsChunks = true});
  const auto actions = actionsOf(scheduler);  // 4 items each
  scheduler.chunkDone(1, actions[1].chunk.id, seconds(4), seconds(4));
  const auto recall = actionsOf(scheduler, seconds(4));
  ASSERT_EQ(recall.size(), 1u);
  EXPECT_EQ(recall[0].chunk, actions[0].chunk);
  scheduler.shortened(0, actions[0].chunk.id, 3, seconds(4));
  const auto again = actionsOf(scheduler, seconds(4));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].worker, 1);
  EXPECT_EQ(again[0].chunk.first, 1u);
  scheduler.chunkDone(0, actions[0].chunk.id, seconds(5), seconds(5));
  EXPECT_EQ(scheduler.doneItems(), 5u);
}

TEST(SchedulerRecallTest, TheOwnerCanHaveAnItemBackUnlessAWorkerIsOnIt) {
  Straggler straggler;
  Scheduler& scheduler = straggler.scheduler;
  EXPECT_FALSE(scheduler.recallOf(straggler.working.first));
  const auto recall = scheduler.recallOf(straggler.waiting.first);
  ASSERT_TRUE(recall);
  EXPECT_EQ(recall->chunk, straggler.waiting);
  EXPECT_FALSE(scheduler.recallOf(straggler.waiting.first)) << "was asked";
  EXPECT_FALSE(scheduler.recallOf(1)) << "is done";

  Scheduler other = makeScheduler(4, 1, {.chunksInFlight = 1, .splitsChunks = true});
  const auto actions = actionsOf(other);
  const auto end = other.recallOf(3);
  ASSERT_TRUE(end) << "the worker is on the first";
  EXPECT_EQ(end->chunk, actions[0].chunk);
}

TEST(SchedulerRecallTest, ShortChunksAreAskedBackOnceTheyAreOverdue) {
  Scheduler scheduler = makeScheduler(16, 2, {.splitsChunks = true});
  const auto actions = actionsOf(scheduler);  // 4 items each
  scheduler.chunkDone(1, actions[1].chunk.id, microseconds(4), milliseconds(1));
  scheduler.chunkDone(1, actions[3].chunk.id, microseconds(4), milliseconds(2));
  EXPECT_THAT(actionsOf(scheduler, milliseconds(2)), IsEmpty());
  ASSERT_EQ(scheduler.nextRecall(), milliseconds(100));
  const auto waiting = actionsOf(scheduler, milliseconds(100));
  ASSERT_EQ(waiting.size(), 1u) << "first what waits behind it";
  EXPECT_EQ(waiting[0].chunk, actions[2].chunk);
  scheduler.recallRefused(0, actions[2].chunk.id, milliseconds(101));
  EXPECT_EQ(scheduler.nextRecall(), std::nullopt) << "it is begun, so the other is nearly done";
  scheduler.chunkDone(0, actions[0].chunk.id, milliseconds(110), milliseconds(110));
  ASSERT_EQ(scheduler.nextRecall(), milliseconds(301)) << "and asks ever more seldom";
  EXPECT_EQ(actionsOf(scheduler, milliseconds(301)).size(), 1u);
}

TEST(SchedulerRecallTest, WithoutARecallAChunkMayBecomeShorterAsWell) {
  Scheduler scheduler = makeScheduler(8, 2, {.chunksInFlight = 1, .splitsChunks = true});
  const auto actions = actionsOf(scheduler);  // 4 items each
  scheduler.chunkDone(1, actions[1].chunk.id, microseconds(4), milliseconds(1));
  ASSERT_THAT(actionsOf(scheduler, milliseconds(1)), IsEmpty());
  scheduler.shortened(0, actions[0].chunk.id, 1, milliseconds(1));
  const auto last = actionsOf(scheduler, milliseconds(1));
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].chunk.first, 3u);
  EXPECT_THROW(scheduler.shortened(0, actions[0].chunk.id, 3, Time{0}), std::logic_error)
      << "one item is left to it at least";
}

TEST(SchedulerRecallTest, NothingIsAskedBackWhileHeld) {
  Straggler straggler;
  straggler.scheduler.hold(true);
  EXPECT_THAT(actionsOf(straggler.scheduler), IsEmpty());
  straggler.scheduler.hold(false);
  EXPECT_EQ(actionsOf(straggler.scheduler).size(), 1u);
}

TEST(SchedulerRecallTest, ALateWorkerTakesItsShareOfWhatWasHandedOut) {
  Scheduler scheduler = makeScheduler(2, 1);
  ASSERT_EQ(actionsOf(scheduler).size(), 2u);
  scheduler.addWorker(1, 1, Time{1});
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].type, Action::Type::Recall);
  EXPECT_EQ(actions[0].chunk.first, 1u);
}

TEST(SchedulerRecallTest, EachIdleWorkerAsksForOneChunkTheLargestFirst) {
  Scheduler scheduler = makeScheduler(12, 2);
  const auto first = actionsOf(scheduler);  // 3 items each
  ASSERT_EQ(first.size(), 4u);
  scheduler.addWorker(2, 1, Time{1});
  const auto one = actionsOf(scheduler);
  ASSERT_EQ(one.size(), 1u);
  scheduler.addWorker(3, 1, Time{1});
  scheduler.addWorker(4, 1, Time{1});
  const auto other = actionsOf(scheduler);
  ASSERT_EQ(other.size(), 1u) << "nobody has a third chunk";
  EXPECT_NE(one[0].worker, other[0].worker);
}

}  // namespace
}  // namespace procession::test
