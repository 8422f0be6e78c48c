#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <vector>

#include "scheduler/actions.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::test {
namespace {

using testing::ElementsAre;
using Range = std::pair<std::uint64_t, std::uint64_t>;

std::vector<Range> ranges(const std::vector<Action>& actions) {
  std::vector<Range> ranges;
  for (const Action& action : actions) {
    if (action.type == Action::Type::Assign) {
      ranges.emplace_back(action.chunk.first, action.chunk.end());
    }
  }
  return ranges;
}

/// One worker with one chunk: all items, which are one leaf.
Scheduler oneChunk(std::uint64_t items, Chunk& chunk, SchedulerOptions options = {}) {
  options.leafItems = items;
  Scheduler scheduler = makeScheduler(items, 1, options);
  chunk = actionsOf(scheduler).at(0).chunk;
  return scheduler;
}

void finish(Scheduler& scheduler, const Action& action) {
  scheduler.chunkDone(action.worker, action.chunk.id, milliseconds(1), Time{0});
}

TEST(SchedulerFaultsTest, TheFirstItemThatFailsEndsTheHandOut) {
  Chunk chunk;
  Scheduler scheduler = oneChunk(100, chunk);
  scheduler.itemFailed(0, chunk.id, 2, 0, Time{1});
  EXPECT_FALSE(scheduler.isFinished()) << "somebody has to hear of it";
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].type, Action::Type::Fail);
  EXPECT_EQ(actions[0].item, 2u);
  EXPECT_EQ(actions[0].failure, FailureKind::Threw);
  EXPECT_EQ(actions[0].attempts, 1);
  EXPECT_TRUE(scheduler.isFinished());
  EXPECT_TRUE(scheduler.isCancelled());
  EXPECT_EQ(scheduler.failedItems(), 1u);
  EXPECT_EQ(scheduler.openItems(), 99u);
}

TEST(SchedulerFaultsTest, ChunksInFlightMayReportALowerItemAfterTheFirstFailure) {
  Scheduler scheduler = makeScheduler(20, 2, {.maxChunkItems = 10, .chunksInFlight = 1});
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 2u);
  scheduler.itemFailed(actions[1].worker, actions[1].chunk.id, actions[1].chunk.first, 0, Time{1});
  EXPECT_EQ(actionsOf(scheduler).size(), 1u);
  EXPECT_FALSE(scheduler.isFinished());
  scheduler.itemFailed(actions[0].worker, actions[0].chunk.id, 1, 0, Time{2});
  const auto last = actionsOf(scheduler);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].item, 1u);
  EXPECT_TRUE(scheduler.isFinished());
}

TEST(SchedulerFaultsTest, TheOtherItemsOfAChunkThatFailedAreStillRun) {
  Chunk chunk;
  Scheduler scheduler = oneChunk(10, chunk, {.stopAtFailure = false, .chunksInFlight = 3});
  scheduler.itemFailed(0, chunk.id, 3, 0, Time{1});
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 3u);
  EXPECT_EQ(actions[0].type, Action::Type::Fail);
  EXPECT_THAT(ranges(actions), ElementsAre(Range{0, 3}, Range{4, 10}));
  finish(scheduler, actions[1]);
  finish(scheduler, actions[2]);
  EXPECT_TRUE(scheduler.isFinished());
  EXPECT_FALSE(scheduler.isCancelled());
  EXPECT_EQ(scheduler.doneItems(), 9u);
  EXPECT_EQ(scheduler.failedItems(), 1u);
}

TEST(SchedulerFaultsTest, AnItemWithAttemptsLeftIsTriedAgainAlone) {
  Chunk chunk;
  Scheduler scheduler = oneChunk(10, chunk, {.retries = 1, .chunksInFlight = 3});
  scheduler.itemFailed(0, chunk.id, 3, 0, Time{1});
  const auto actions = actionsOf(scheduler);
  EXPECT_THAT(ranges(actions), ElementsAre(Range{0, 3}, Range{3, 4}, Range{4, 10}));
  scheduler.itemFailed(0, actions[1].chunk.id, 3, 0, Time{2});
  const auto last = actionsOf(scheduler);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].type, Action::Type::Fail);
  EXPECT_EQ(last[0].attempts, 2);
}

TEST(SchedulerFaultsTest, AnItemThatWasDoneAtLastHasItsAttemptsForgiven) {
  Chunk chunk;
  Scheduler scheduler = oneChunk(1, chunk, {.retries = 1});
  scheduler.itemFailed(0, chunk.id, 0, 0, Time{1});
  const auto again = actionsOf(scheduler);
  ASSERT_EQ(again.size(), 1u);
  finish(scheduler, again[0]);
  EXPECT_TRUE(scheduler.isFinished());
  EXPECT_EQ(scheduler.doneItems(), 1u);
  EXPECT_EQ(scheduler.failedItems(), 0u);
}

TEST(SchedulerFaultsTest, TheItemThatKilledItsWorkerIsNamed) {
  Scheduler scheduler = makeScheduler(16, 1, {.stopAtFailure = false});
  const auto before = actionsOf(scheduler);
  EXPECT_THAT(ranges(before), ElementsAre(Range{0, 4}, Range{4, 8}));
  scheduler.workerLost(0, 1, false, Time{1});
  EXPECT_EQ(scheduler.chunksInFlight(), 0u);
  EXPECT_TRUE(scheduler.isStranded());
  const auto failed = actionsOf(scheduler);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].type, Action::Type::Fail);
  EXPECT_EQ(failed[0].item, 1u);
  EXPECT_EQ(failed[0].failure, FailureKind::WorkerLost);
  scheduler.addWorker(0, 1, Time{2});
  EXPECT_THAT(ranges(actionsOf(scheduler)), ElementsAre(Range{0, 1}, Range{2, 6}));
}

TEST(SchedulerFaultsTest, AChunkOfOneItemThatKillsItsWorkerNamesTheItem) {
  Chunk chunk;
  Scheduler scheduler = oneChunk(1, chunk);
  scheduler.workerLost(0, std::nullopt, false, Time{1});
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].type, Action::Type::Fail);
  EXPECT_EQ(actions[0].item, 0u);
}

TEST(SchedulerFaultsTest, AChunkThatKilledItsWorkerUnseenIsSearchedItemByItem) {
  Scheduler scheduler = makeScheduler(8, 1, {.maxChunkItems = 4});
  EXPECT_THAT(ranges(actionsOf(scheduler)), ElementsAre(Range{0, 4}, Range{4, 8}));
  scheduler.workerLost(0, std::nullopt, false, Time{1});
  for (int worker = 1; worker < 4; ++worker) {
    scheduler.addWorker(worker, 1, Time{2});
  }
  EXPECT_THAT(ranges(actionsOf(scheduler)), ElementsAre(Range{0, 1}, Range{1, 2}, Range{2, 3},
                                                        Range{3, 4}, Range{4, 6}, Range{6, 8}));
}

TEST(SchedulerFaultsTest, ALargeChunkIsSearchedInPiecesAndThenInPiecesOfThePiece) {
  constexpr std::uint64_t kItems = 1'000'000;
  constexpr std::uint64_t kCulprit = 765'432;
  Chunk chunk;
  Scheduler scheduler = oneChunk(kItems, chunk, {.chunksInFlight = 1});
  int lost = 0;
  int chunks = 0;
  std::optional<std::uint64_t> found;
  scheduler.workerLost(0, std::nullopt, false, Time{0});
  scheduler.addWorker(0, 1, Time{0});
  while (!found) {
    const auto action = scheduler.nextAction(Time{0});
    ASSERT_TRUE(action);
    if (action->type == Action::Type::Fail) {
      found = action->item;
    } else if (action->chunk.first <= kCulprit && kCulprit < action->chunk.end()) {
      scheduler.workerLost(0, std::nullopt, false, Time{0});
      scheduler.addWorker(0, 1, Time{0});
      ++lost;
    } else {
      finish(scheduler, *action);
      ++chunks;
    }
  }
  EXPECT_EQ(found, kCulprit);
  EXPECT_LE(lost, 4);
  EXPECT_LE(chunks, 4 * 64);
}

TEST(SchedulerFaultsTest, AnItemOutsideItsChunksCountsAsUnknown) {
  Chunk chunk;
  Scheduler scheduler = oneChunk(1, chunk, {.retries = 1});
  scheduler.workerLost(0, 77, false, Time{1});
  scheduler.addWorker(0, 1, Time{1});
  const auto again = actionsOf(scheduler);
  ASSERT_EQ(again.size(), 1u);
  scheduler.workerLost(0, 77, false, Time{1});
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 1u);
  EXPECT_EQ(actions[0].item, 0u);
  EXPECT_EQ(actions[0].attempts, 2);
}

TEST(SchedulerFaultsTest, AWorkerWithoutAChunkMerelyLeaves) {
  Scheduler scheduler = makeScheduler(1, 2);
  const auto actions = actionsOf(scheduler);
  ASSERT_EQ(actions.size(), 1u);
  scheduler.workerLost(1 - actions[0].worker, std::nullopt, false, Time{1});
  EXPECT_TRUE(actionsOf(scheduler).empty());
  finish(scheduler, actions[0]);
  EXPECT_TRUE(scheduler.isFinished());
}

TEST(SchedulerFaultsTest, WorkersEndedOnPurposeAfterCancelAreNobodysFault) {
  Chunk chunk;
  Scheduler scheduler = oneChunk(1, chunk);
  scheduler.cancel();
  scheduler.workerLost(0, std::nullopt, false, Time{1});
  EXPECT_TRUE(actionsOf(scheduler).empty());
  EXPECT_TRUE(scheduler.isFinished());
  EXPECT_FALSE(scheduler.isStranded());
  EXPECT_EQ(scheduler.openItems(), 1u);
}

TEST(SchedulerFaultsTest, WithoutWholeNodesAnItemIsCutOutOfItsLeaf) {
  Scheduler scheduler =
      makeScheduler(16, 1, {.leafItems = 8, .stopAtFailure = false, .chunksInFlight = 3});
  const auto before = actionsOf(scheduler);
  EXPECT_THAT(ranges(before), ElementsAre(Range{0, 8}, Range{8, 16}));
  scheduler.itemFailed(0, before[1].chunk.id, 13, 0, Time{1});
  EXPECT_THAT(ranges(actionsOf(scheduler)), ElementsAre(Range{8, 13}, Range{14, 16}));
}

TEST(SchedulerFaultsTest, OfAReductionTheWholeLeafIsTriedAgain) {
  Scheduler scheduler = makeScheduler(
      30, 1, {.leafItems = 4, .wholeNodes = true, .retries = 1, .chunksInFlight = 10});
  const auto before = actionsOf(scheduler);
  const auto guilty = std::ranges::find_if(before, [](const Action& action) {
    return action.chunk.first <= 13 && 13 < action.chunk.end();
  });
  ASSERT_NE(guilty, before.end());
  scheduler.itemFailed(0, guilty->chunk.id, 13, 0, Time{1});
  const auto again = actionsOf(scheduler);
  EXPECT_THAT(ranges(again), testing::Contains(Range{12, 16}));
  for (const Action& action : again) {
    if (action.chunk.first == 12) {
      scheduler.itemFailed(0, action.chunk.id, 14, 0, Time{2});  // this item's first attempt
    }
  }
  const auto third = actionsOf(scheduler);
  ASSERT_THAT(ranges(third), ElementsAre(Range{12, 16}));
  scheduler.itemFailed(0, third[0].chunk.id, 13, 0, Time{3});
  const auto last = actionsOf(scheduler);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].type, Action::Type::Fail);
  EXPECT_EQ(last[0].item, 13u);
  EXPECT_EQ(last[0].attempts, 2);
}

TEST(SchedulerFaultsTest, WhatIsDoneInFrontOfAFailedItemIsNotDoneAgain) {
  Scheduler scheduler = makeScheduler(16, 1, SchedulerOptions{.maxChunkItems = 16, .retries = 1});
  const auto actions = actionsOf(scheduler);
  const Chunk chunk = actions.front().chunk;
  ASSERT_GE(chunk.count, 3u);
  scheduler.itemFailed(0, chunk.id, chunk.first + 2, 2, Time{1});
  EXPECT_EQ(scheduler.doneItems(), 2u);
  EXPECT_EQ(ranges(actionsOf(scheduler)).front(), (Range{chunk.first + 2, chunk.first + 3}))
      << "alone";
}

TEST(SchedulerFaultsTest, WhatIsDoneOfAnAbortedChunkIsNotDoneAgain) {
  Scheduler scheduler = makeScheduler(16, 1);
  const Chunk chunk = actionsOf(scheduler).front().chunk;
  scheduler.chunkAborted(0, chunk.id, 1, Time{1});
  EXPECT_EQ(scheduler.doneItems(), 1u);
  EXPECT_EQ(ranges(actionsOf(scheduler)).front().first, chunk.first + 1);
}

TEST(SchedulerFaultsTest, AnItemThatFailedIsNotGivenBackToWhoDoesNotKnowOfIt) {
  Scheduler scheduler{SchedulerOptions{.retries = 2, .chunksInFlight = 1}};
  scheduler.addItems(0, 8);
  scheduler.addWorker(0, 1, Time{0});
  const Chunk chunk = actionsOf(scheduler).front().chunk;
  scheduler.itemFailed(0, chunk.id, chunk.first, 0, Time{1});
  EXPECT_EQ(scheduler.withdrawItems(0, 8), 7u);
  EXPECT_EQ(scheduler.waitingItems(), 1u);
}

TEST(SchedulerFaultsTest, EventsThatCannotBeAreErrors) {
  Scheduler scheduler = makeScheduler(16, 2);
  const auto actions = actionsOf(scheduler);
  const std::uint64_t chunk = actions[0].chunk.id;
  const int worker = actions[0].worker;
  EXPECT_THROW(scheduler.addWorker(0, 1, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.addWorker(5, 0, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.chunkDone(9, chunk, Time{0}, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.chunkDone(worker, 999, Time{0}, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.chunkDone(1 - worker, chunk, Time{0}, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.chunkAborted(worker, 999, 0, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.itemFailed(worker, chunk, 15, 0, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.itemFailed(worker, chunk, actions[0].chunk.first, 1, Time{0}),
               std::logic_error)
      << "it cannot be done and fail";
  EXPECT_THROW(scheduler.chunkAborted(worker, chunk, 99, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.recalled(worker, chunk, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.recallRefused(worker, chunk, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.recallRefused(worker, 999, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.workerLost(9, std::nullopt, false, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.observed(9, 0, Time{0}, Time{0}), std::logic_error);
  EXPECT_THROW(scheduler.addItems(16, 1), std::logic_error) << "the items are closed";
  scheduler.chunkDone(worker, chunk, Time{1}, Time{1});
  EXPECT_THROW(scheduler.chunkDone(worker, chunk, Time{1}, Time{1}), std::logic_error);
  EXPECT_EQ(scheduler.doneItems(), 4u);
}

TEST(SchedulerFaultsTest, ItemsThatCannotBeAreErrors) {
  Scheduler scheduler{SchedulerOptions{.leafItems = 4, .wholeNodes = true}};
  scheduler.addItems(8, 8);
  EXPECT_THROW(scheduler.addItems(12, 8), std::logic_error) << "open already";
  EXPECT_THROW(scheduler.addItems(2, 2), std::logic_error) << "within a leaf";
  EXPECT_THROW(scheduler.addItems(~std::uint64_t{3}, 8), std::logic_error) << "beyond the end";
  EXPECT_EQ(scheduler.openItems(), 8u);
}

TEST(SchedulerFaultsTest, OptionsThatCannotBeAreErrors) {
  EXPECT_THROW(Scheduler{SchedulerOptions{.leafItems = 0}}, std::logic_error);
  EXPECT_THROW(Scheduler{SchedulerOptions{.maxChunkItems = 0}}, std::logic_error);
  EXPECT_THROW(Scheduler{SchedulerOptions{.chunksInFlight = 0}}, std::logic_error);
  EXPECT_THROW(Scheduler{SchedulerOptions{.retries = -1}}, std::logic_error);
}

}  // namespace
}  // namespace procession::test
