#include "scheduler/chunk_size.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace procession::detail {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

ChunkSize::Situation twoWorkers(std::uint64_t openItems) {
  return {.openItems = openItems, .capacity = 1, .allCapacity = 2, .freeCapacity = 4, .workers = 2};
}

TEST(ChunkSizeTest, BeforeTheFirstMeasurementAFewItemsAreSpreadOverAllPlaces) {
  const ChunkSize size(milliseconds(1));
  EXPECT_EQ(size.items(twoWorkers(16)), 4u);
  EXPECT_EQ(size.items(twoWorkers(5)), 2u);
  EXPECT_EQ(size.items(twoWorkers(1)), 1u);
}

TEST(ChunkSizeTest, BeforeTheFirstMeasurementAChunkIsASmallPartOfManyItems) {
  const ChunkSize size(milliseconds(1));
  EXPECT_EQ(size.items(twoWorkers(6'400'000)), 100'000u);
}

TEST(ChunkSizeTest, AQuarterOfAWorkersShareIsGuided) {
  ChunkSize size(milliseconds(1));
  size.measure(1000, milliseconds(100));
  EXPECT_EQ(size.items(twoWorkers(1600)), 200u);
}

TEST(ChunkSizeTest, ChunksAreLongerWhereTheHandOverIsDear) {
  ChunkSize size(milliseconds(1));
  size.measure(1000, seconds(100));
  EXPECT_EQ(size.items(twoWorkers(1000)), 1u);
  size.raiseWorthwhile(seconds(1));
  EXPECT_EQ(size.items(twoWorkers(1000)), 20u);
  size.raiseWorthwhile(milliseconds(1));
  EXPECT_EQ(size.items(twoWorkers(1000)), 20u);
  EXPECT_EQ(size.items(twoWorkers(8)), 4u) << "but each worker gets its share";
}

TEST(ChunkSizeTest, AChunkOfCheapItemsIsWorthItsHandOver) {
  ChunkSize size(milliseconds(1));
  size.measure(1'000'000, milliseconds(1));
  EXPECT_EQ(size.items(twoWorkers(4'000'000)), 1'000'000u);
}

TEST(ChunkSizeTest, TheLastCheapItemsAreShared) {
  ChunkSize size(milliseconds(1));
  size.measure(1'000'000, milliseconds(1));
  EXPECT_EQ(size.items(twoWorkers(1'000'000)), 500'000u);
  EXPECT_EQ(size.items(twoWorkers(100'000)), 100'000u) << "but not to the last crumb";
}

TEST(ChunkSizeTest, AnItemThatIsWorthwhileGoesAlone) {
  ChunkSize size(milliseconds(1));
  size.measure(10, milliseconds(20));
  EXPECT_EQ(size.items(twoWorkers(7)), 1u);
}

TEST(ChunkSizeTest, AChunkDoesNotLastLongHoweverMuchIsOpen) {
  ChunkSize size(milliseconds(1));
  size.measure(1000, seconds(1));
  EXPECT_EQ(size.items(twoWorkers(10'000'000)), 25u);
}

TEST(ChunkSizeTest, AFewCheapItemsAtTheBeginningAreNotTrustedForTheRest) {
  ChunkSize size(milliseconds(1));
  size.measure(100, nanoseconds(100));
  EXPECT_EQ(size.items(twoWorkers(10'000'000)), 400u);
}

TEST(ChunkSizeTest, AnAgentGetsAsMuchAsItsWorkers) {
  ChunkSize size(milliseconds(1));
  size.measure(1'000'000, seconds(1000));
  const ChunkSize::Situation situation{.openItems = 1'000'000'000,
                                       .capacity = 128,
                                       .allCapacity = 1280,
                                       .freeCapacity = 2560,
                                       .workers = 10};
  EXPECT_EQ(size.items(situation), 25u * 128u);
}

TEST(ChunkSizeTest, AnAgentGetsAnItemForEachWorkerHoweverDear) {
  ChunkSize size(milliseconds(1));
  ChunkSize::Situation situation{.openItems = 1'000'000,
                                 .capacity = 128,
                                 .allCapacity = 1280,
                                 .freeCapacity = 2560,
                                 .workers = 10};
  size.measure(128, seconds(128));
  EXPECT_EQ(size.items(situation), 128u);
}

TEST(ChunkSizeTest, AnAgentBeginsWithAnItemForEachWorker) {
  const ChunkSize size(milliseconds(1));
  const ChunkSize::Situation situation{.openItems = 10'000,
                                       .capacity = 128,
                                       .allCapacity = 1280,
                                       .freeCapacity = 2560,
                                       .workers = 10};
  EXPECT_EQ(size.items(situation), 128u);
}

TEST(ChunkSizeTest, WithManyWorkersChunksLastLongEnoughForTheOwnerToServeAll) {
  ChunkSize size(milliseconds(1));
  size.measure(1'000'000, seconds(1000));
  const ChunkSize::Situation situation{.openItems = 1'000'000'000,
                                       .capacity = 1,
                                       .allCapacity = 10'000,
                                       .freeCapacity = 10'000,
                                       .workers = 10'000};
  EXPECT_EQ(size.items(situation), 400u);
}

TEST(ChunkSizeTest, ItemsTooCheapForTheClockAreMeasuredAsSuch) {
  ChunkSize size(milliseconds(1));
  size.measure(1000, nanoseconds(0));
  EXPECT_EQ(size.items(twoWorkers(3000)), 3000u);
  EXPECT_FALSE(size.isWorthwhile(1'000'000));
}

}  // namespace
}  // namespace procession::detail
