#include "process/placement.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "support/fake_ranks.hpp"

namespace procession::detail {
namespace {

/// The ranks that so many tasks get, one after the other.
std::vector<int> place(const Ranks& ranks, int tasks, std::deque<RankSeat>& seats) {
  std::vector<int> places;
  for (int i = 0; i < tasks; ++i) {
    places.push_back(leastBusyRank(ranks));
    seats.emplace_back(places.back());
  }
  return places;
}

TEST(PlacementTest, EqualRanksTakeTurnsFromTheLowest) {
  const test::FakeRanks ranks({2, 2, 2});
  std::deque<RankSeat> seats;
  EXPECT_EQ(place(ranks, 5, seats), (std::vector{0, 1, 2, 0, 1}));
}

TEST(PlacementTest, RanksGetTasksInProportionToTheirCores) {
  const test::FakeRanks ranks({1, 4});
  std::deque<RankSeat> seats;
  std::vector<int> counts(2);
  for (const int rank : place(ranks, 10, seats)) {
    ++counts[static_cast<std::size_t>(rank)];
  }
  EXPECT_EQ(counts, (std::vector{2, 8}));
}

TEST(PlacementTest, AFreedPlaceIsTheNext) {
  const test::FakeRanks ranks({1, 1});
  const RankSeat first(0);
  {
    const RankSeat second(1);
    const RankSeat third(0);
    EXPECT_EQ(leastBusyRank(ranks), 1);
  }
  EXPECT_EQ(leastBusyRank(ranks), 1);
}

TEST(PlacementTest, ARankThatRefusedIsSparedUntilAProcessEnds) {
  const test::FakeRanks ranks({4, 1});
  {
    RankSeat refused(0);
    refused.refuse();
  }
  EXPECT_EQ(leastBusyRank(ranks), 1);
  EXPECT_TRUE(hasRoom(ranks));
  { const RankSeat other(1); }
  EXPECT_EQ(leastBusyRank(ranks), 0);
}

TEST(PlacementTest, WhereAllRefusedTheLeastBusyIsAskedAgain) {
  const test::FakeRanks ranks({1, 2});
  for (int rank = 0; rank < 2; ++rank) {
    RankSeat refused(rank);
    refused.refuse();
  }
  EXPECT_FALSE(hasRoom(ranks));
  EXPECT_EQ(leastBusyRank(ranks), 1);
  const RankSeat last(0);  // when it is left, there is room again
}

}  // namespace
}  // namespace procession::detail
