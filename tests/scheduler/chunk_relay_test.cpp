#include "scheduler/chunk_relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scheduler/actions.hpp"

namespace procession::test {
namespace {

using detail::ChunkRelay;
using testing::ElementsAre;
using testing::IsEmpty;

/// An agent of two workers.
class ChunkRelayTest : public testing::Test {
 protected:
  ChunkRelayTest() {
    scheduler_.addWorker(0, 1, Time{0});
    scheduler_.addWorker(1, 1, Time{0});
  }

  /// What the workers are handed now.
  std::vector<Action> handOut() {
    relay_.feed();
    std::vector<Action> actions = actionsOf(scheduler_);
    for (const Action& action : actions) {
      relay_.handedOut(action.chunk);
    }
    return actions;
  }

  void finish(const Action& assigned, Time busy) {
    relay_.done(assigned.chunk.first, assigned.chunk.count, busy);
    scheduler_.chunkDone(assigned.worker, assigned.chunk.id, busy, busy);
    relay_.feed();
  }

  /// Answers to the parent since the last call, as "passed on 7" or "done 7 of 2 items".
  std::vector<std::string> answers() {
    std::vector<std::string> all;
    while (const auto answer = relay_.nextAnswer()) {
      const bool isDone = answer->type == ChunkRelay::Answer::Type::Done;
      const std::string id = std::to_string(answer->chunk.id);
      all.push_back(isDone ? "done " + id + " of " + std::to_string(answer->chunk.count) + " items"
                           : "passed on " + id);
    }
    return all;
  }

  Scheduler scheduler_{{.keepBackDear = true}};
  ChunkRelay relay_{scheduler_, /*wholeChunks=*/false};
};

TEST_F(ChunkRelayTest, ItemsOfUnknownCostGoToIdleWorkersOnly) {
  relay_.receive({7, 0, 5});
  const auto actions = handOut();
  ASSERT_EQ(actions.size(), 2u);
  EXPECT_EQ(actions[0].chunk.count, 1u);
  EXPECT_EQ(actions[1].chunk.count, 1u);
  EXPECT_THAT(handOut(), IsEmpty()) << "both are busy";
  EXPECT_THAT(answers(), IsEmpty()) << "and there is no need of another chunk";
}

TEST_F(ChunkRelayTest, TheParentGetsBackWhatNoWorkerHasBegun) {
  relay_.receive({7, 0, 5});
  relay_.receive({8, 5, 5});
  handOut();
  EXPECT_EQ(relay_.giveBack(8), 5u);
  EXPECT_EQ(relay_.giveBack(7), 3u);
  EXPECT_EQ(relay_.giveBack(7), 0u) << "the rest is being worked on";
  EXPECT_EQ(relay_.giveBack(8), 0u) << "it is gone";
}

TEST_F(ChunkRelayTest, AChunkIsDoneWithoutWhatWasGivenBack) {
  relay_.receive({7, 0, 5});
  const auto actions = handOut();
  finish(actions[0], seconds(1));
  EXPECT_EQ(relay_.giveBack(7), 3u) << "with the one that the scheduler had";
  EXPECT_THAT(handOut(), IsEmpty());
  EXPECT_THAT(answers(), ElementsAre("passed on 7")) << "a worker idles";
  finish(actions[1], seconds(1));
  EXPECT_THAT(answers(), ElementsAre("done 7 of 2 items"));
}

TEST_F(ChunkRelayTest, ThereIsRoomOnceAWorkerIdles) {
  relay_.receive({7, 0, 2});
  const auto actions = handOut();
  ASSERT_EQ(actions.size(), 2u);
  EXPECT_THAT(answers(), IsEmpty());
  finish(actions[0], seconds(1));
  EXPECT_THAT(answers(), ElementsAre("passed on 7"));
  finish(actions[1], seconds(1));
  EXPECT_THAT(answers(), ElementsAre("done 7 of 2 items"));
}

TEST_F(ChunkRelayTest, ThereIsRoomOnceTheNextChunkIsBegun) {
  relay_.receive({7, 0, 2});
  relay_.receive({8, 2, 2});
  const auto actions = handOut();
  EXPECT_THAT(answers(), IsEmpty());
  finish(actions[0], seconds(1));
  EXPECT_EQ(handOut().size(), 1u);
  EXPECT_THAT(answers(), ElementsAre("passed on 7"));
}

TEST_F(ChunkRelayTest, CheapItemsAreFedAheadOfTheWorkersNeed) {
  relay_.receive({7, 0, 2});
  for (const Action& action : handOut()) {
    finish(action, microseconds(1));
  }
  EXPECT_THAT(answers(), ElementsAre("passed on 7", "done 7 of 2 items"));
  relay_.receive({8, 2, 4});
  relay_.receive({9, 6, 4});
  handOut();
  EXPECT_THAT(answers(), ElementsAre("passed on 8"));
  EXPECT_EQ(handOut().size(), 1u) << "though workers are busy";
  EXPECT_THAT(answers(), ElementsAre("passed on 9"));
}

TEST_F(ChunkRelayTest, AWorkersChunkMayLieInTwoOfTheParents) {
  relay_.receive({7, 0, 3});
  relay_.receive({8, 3, 3});
  relay_.done(0, 2, Time{20});
  relay_.done(2, 3, Time{30});
  EXPECT_THAT(answers(), ElementsAre("done 7 of 3 items"));
  relay_.done(5, 1, Time{10});
  const auto last = relay_.nextAnswer();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->chunk.id, 8u);
  EXPECT_EQ(last->busy, Time{30}) << "two thirds of the second run, and the third";
}

TEST(ChunkRelayOfNodesTest, FeedsAndGivesBackWholeChunks) {
  Scheduler scheduler({.leafItems = 4, .wholeNodes = true, .keepBackDear = true});
  scheduler.addWorker(0, 1, Time{0});
  ChunkRelay relay(scheduler, /*wholeChunks=*/true);
  relay.receive({7, 0, 16});
  relay.receive({8, 16, 16});
  relay.feed();
  EXPECT_EQ(scheduler.waitingItems(), 16u);
  EXPECT_EQ(relay.giveBack(7), 0u);
  EXPECT_EQ(relay.giveBack(8), 16u);
}

}  // namespace
}  // namespace procession::test
