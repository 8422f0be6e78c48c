#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "simulation/cluster_simulation.hpp"
#include "simulation/item_costs.hpp"

namespace procession::test {
namespace {

using std::chrono::milliseconds;
using Time = Cluster::Time;

enum class Shape { Uniform, Pareto, Bimodal };

std::string nameOf(Shape shape) {
  return shape == Shape::Uniform ? "Uniform" : shape == Shape::Pareto ? "Pareto" : "Bimodal";
}

/// One weight, 1 on average (the Pareto ones a little less, as none is above 20).
double weightOf(Shape shape, std::mt19937_64& random) {
  const double uniform = std::uniform_real_distribution<>(0, 1)(random);
  switch (shape) {
    case Shape::Uniform:
      return 0.5 + uniform;
    case Shape::Pareto:
      return std::min(20.0, std::pow(1 - uniform, -1 / 1.16) * (1 - 1 / 1.16));
    case Shape::Bimodal:
      return uniform < 0.1 ? 5.0 : 5.0 / 9;
  }
  return 0;
}

ItemCosts costsOf(Shape shape, Time mean) {
  constexpr std::size_t kTable = 65'521;
  std::mt19937_64 random(1);
  std::vector<Time> table;
  while (table.size() < kTable) {
    const double cost = weightOf(shape, random) * static_cast<double>(mean.count());
    table.emplace_back(static_cast<std::int64_t>(cost));
  }
  return ItemCosts(table);
}

double inSeconds(Time time) { return std::chrono::duration<double>(time).count(); }

/// Each worker has work for about `share`, in items of `mean`.
void simulate(const Cluster& cluster, Shape shape, Time mean, Time share) {
  const ItemCosts costs = costsOf(shape, mean);
  const auto items = static_cast<std::uint64_t>(share / mean) *
                     static_cast<std::uint64_t>(cluster.agents) *
                     static_cast<std::uint64_t>(cluster.workersPerAgent);
  ClusterSimulation simulation(cluster, items, costs);
  simulation.run();
  EXPECT_EQ(simulation.doneItems(), items);

  const double makespan = inSeconds(simulation.makespan());
  const double even = inSeconds(simulation.evenShare());
  const double largest = inSeconds(costs.largest());
  const double bound = std::max(even, largest);
  std::cout << std::fixed << std::setprecision(3) << cluster.agents << " agents of "
            << cluster.workersPerAgent << ", " << items << " " << nameOf(shape) << " items of "
            << inSeconds(mean) * 1e3 << " ms: makespan " << makespan << " s, " << makespan / bound
            << " of the lower bound, efficiency " << even / makespan << ", parent "
            << std::setprecision(0) << static_cast<double>(simulation.parentMessages()) / makespan
            << " messages/s, " << simulation.workerChunks() << " chunks, " << simulation.recalls()
            << " recalls\n";

  // Nobody who learns what an item costs by running it can promise more than even + largest: the
  // largest may be last.
  EXPECT_GE((even + largest) / makespan, 0.95);
  if (largest < 0.02 * even) {
    EXPECT_GE(even / makespan, 0.95);
  }
}

class SimulationTest : public testing::TestWithParam<std::tuple<int, Shape>> {
 protected:
  [[nodiscard]] static Cluster cluster() { return {.agents = std::get<0>(GetParam())}; }
  [[nodiscard]] static Shape shape() { return std::get<1>(GetParam()); }
};

TEST_P(SimulationTest, CheapItemsKeepEveryWorkerAtWork) {
  simulate(cluster(), shape(), std::chrono::microseconds(100), milliseconds(1000));
}

TEST_P(SimulationTest, DearItemsKeepEveryWorkerAtWork) {
  simulate(cluster(), shape(), milliseconds(20), milliseconds(1200));
}

TEST_P(SimulationTest, FewVeryDearItemsAreSpreadEvenly) {
  simulate(cluster(), shape(), std::chrono::seconds(10), std::chrono::seconds(60));
}

constexpr auto kAllShapes = {Shape::Uniform, Shape::Pareto, Shape::Bimodal};

std::string nameOfCase(const testing::TestParamInfo<std::tuple<int, Shape>>& info) {
  return nameOf(std::get<1>(info.param)) + "On" + std::to_string(std::get<0>(info.param)) +
         "Agents";
}

INSTANTIATE_TEST_SUITE_P(Small, SimulationTest,
                         testing::Combine(testing::Values(1, 3, 20), testing::ValuesIn(kAllShapes)),
                         nameOfCase);

using SimulationLargeTest = SimulationTest;

TEST_P(SimulationLargeTest, ItemsKeepEveryWorkerAtWork) {
  simulate(cluster(), shape(), std::chrono::seconds(1), std::chrono::seconds(5));
}

INSTANTIATE_TEST_SUITE_P(Many, SimulationLargeTest,
                         testing::Combine(testing::Values(100, 1'000),
                                          testing::ValuesIn(kAllShapes)),
                         nameOfCase);

// The name keeps it, like the ones above, away from sanitizers.
TEST(SimulationLargeTestOfTenThousandAgents, TheParentServesThemAll) {
  simulate({.agents = 10'000, .workersPerAgent = 4}, Shape::Uniform, milliseconds(100),
           std::chrono::seconds(4));
}

TEST(SimulationLargeTestOfTenThousandAgents, AMillionWorkersShareTheWork) {
  simulate({.agents = 10'000, .workersPerAgent = 128}, Shape::Uniform, std::chrono::seconds(1),
           std::chrono::seconds(2));
}

}  // namespace
}  // namespace procession::test
