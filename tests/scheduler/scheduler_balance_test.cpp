#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "scheduler/fake_runner.hpp"

// How close the hand-out comes to the shortest possible time, in simulated time.

namespace procession::test {
namespace {

using Costs = std::vector<Time>;

Costs scaledTo(const std::vector<double>& weights, Time total) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  Costs costs;
  for (const double weight : weights) {
    costs.emplace_back(
        static_cast<std::int64_t>(weight / sum * static_cast<double>(total.count())));
  }
  return costs;
}

Costs paretoCosts(std::uint64_t seed, std::size_t items, Time total) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<> uniform(0, 1);
  std::vector<double> weights(items);
  std::ranges::generate(weights, [&] { return std::pow(1 - uniform(random), -1 / 1.16); });
  return scaledTo(weights, total);
}

/// No schedule is shorter: all work shared evenly, or the largest item.
Time bound(const Costs& costs, int workers) {
  const Time total = std::accumulate(costs.begin(), costs.end(), Time{0});
  return std::max(total / workers, *std::ranges::max_element(costs));
}

/// Items in their order, one by one to whoever is free, at no cost: what no hand-out in this order
/// can beat by much.
Time greedy(const Costs& costs, int workers) {
  std::vector<Time> free(static_cast<std::size_t>(workers));
  for (const Time cost : costs) {
    *std::ranges::min_element(free) += cost;
  }
  return *std::ranges::max_element(free);
}

FakeRunner runCosts(const Costs& costs, int workers, SchedulerOptions options = {}) {
  FakeRunner runner({.items = costs.size(),
                     .workers = workers,
                     .options = options,
                     .cost = [costs](std::uint64_t item) { return costs[item]; }});
  runner.run();
  return runner;
}

double efficiency(Time bound, Time makespan) {
  return static_cast<double>(bound.count()) / static_cast<double>(makespan.count());
}

Costs equalCosts(std::size_t items, Time cost) { return Costs(items, cost); }

TEST(SchedulerBalanceTest, HeavyTailedItemsKeepTwoWorkersAt98PercentOfIdeal) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Costs costs = paretoCosts(seed, 2000, seconds(4));
    const FakeRunner runner = runCosts(costs, 2);
    EXPECT_GE(efficiency(bound(costs, 2), runner.makespan()), 0.98);
    EXPECT_LE(runner.count(Action::Type::Assign), 400u) << "chunks are not single items";
  }
}

TEST(SchedulerBalanceTest, HeavyTailedItemsOnManyWorkersAreAsGoodAsHandedOutOneByOne) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Costs costs = paretoCosts(seed, 20'000, seconds(40));
    const FakeRunner runner = runCosts(costs, 16);
    EXPECT_GE(efficiency(greedy(costs, 16), runner.makespan()), 0.97);
  }
}

TEST(SchedulerBalanceTest, FewDearItemsAreSpreadAsIfOneByOne) {
  for (const int workers : {1, 2, 3, 4, 7}) {
    for (std::size_t items = 1; items <= 40; ++items) {
      const Costs costs = equalCosts(items, seconds(1));
      const FakeRunner runner = runCosts(costs, workers);
      EXPECT_LT(runner.makespan(), greedy(costs, workers) + milliseconds(10))
          << items << " items on " << workers << " workers";
    }
  }
}

TEST(SchedulerBalanceTest, MillionsOfCheapItemsTravelInFewChunks) {
  const Costs costs = equalCosts(1'000'000, Time(10));
  for (const int workers : {1, 2}) {
    const FakeRunner runner = runCosts(costs, workers);
    EXPECT_GE(efficiency(bound(costs, workers), runner.makespan()), 0.96);
    EXPECT_LE(runner.count(Action::Type::Assign), 20u);
    EXPECT_EQ(runner.count(Action::Type::Recall), 0u);
  }
}

TEST(SchedulerBalanceTest, ReductionsAreHandedOutInFewNodes) {
  const Costs costs = equalCosts(1'000'000, Time(10));
  const FakeRunner runner = runCosts(costs, 2, {.leafItems = 16, .wholeNodes = true});
  EXPECT_GE(efficiency(bound(costs, 2), runner.makespan()), 0.95);
  EXPECT_LE(runner.count(Action::Type::Assign), 40u);
}

TEST(SchedulerBalanceTest, CostsThatRiseOrFallAreBalanced) {
  Costs costs;
  for (int item = 0; item < 100'000; ++item) {
    costs.emplace_back(item / 4);
  }
  EXPECT_GE(efficiency(bound(costs, 4), runCosts(costs, 4).makespan()), 0.98);
  std::ranges::reverse(costs);
  EXPECT_GE(efficiency(bound(costs, 4), runCosts(costs, 4).makespan()), 0.98);
}

TEST(SchedulerBalanceTest, AStragglersWaitingChunksAreTakenFromIt) {
  Costs costs = equalCosts(64, milliseconds(10));
  costs[0] = seconds(1);  // in the first chunk
  const FakeRunner runner = runCosts(costs, 2);
  EXPECT_GE(runner.count(Action::Type::Recall), 1u);
  EXPECT_GE(efficiency(bound(costs, 2), runner.makespan()), 0.95);
}

}  // namespace
}  // namespace procession::test
