#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "simulation/cluster_simulation.hpp"
#include "simulation/item_costs.hpp"

namespace procession::test {
namespace {

using std::chrono::milliseconds;
using Time = Cluster::Time;

double inSeconds(Time time) { return std::chrono::duration<double>(time).count(); }

/// Each worker has work for about `share`, in items of `mean`.
void simulate(const Cluster& cluster, CostShape shape, Time mean, Time share) {
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

class SimulationTest : public testing::TestWithParam<std::tuple<int, CostShape>> {
 protected:
  [[nodiscard]] static Cluster cluster() { return {.agents = std::get<0>(GetParam())}; }
  [[nodiscard]] static CostShape shape() { return std::get<1>(GetParam()); }
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

/// Workers that are not all the same, or not for ever.
class SimulationOfFaultsTest : public testing::TestWithParam<int> {
 protected:
  SimulationOfFaultsTest() { cluster_.agents = GetParam(); }

  /// Of the work in `items`, what was done of it a second and worker, beside what could have been.
  double efficiency(std::uint64_t items) {
    simulation_.emplace(cluster_, items, costs_);
    simulation_->run();
    EXPECT_EQ(simulation_->doneItems(), items);
    return inSeconds(simulation_->evenShare() + simulation_->lostShare()) /
           inSeconds(simulation_->makespan());
  }
  [[nodiscard]] std::uint64_t itemsFor(Time share) const {
    return static_cast<std::uint64_t>(share / milliseconds(10)) *
           static_cast<std::uint64_t>(cluster_.agents * cluster_.workersPerAgent);
  }

  Cluster cluster_;
  ItemCosts costs_ = costsOf(CostShape::Uniform, milliseconds(10));
  std::optional<ClusterSimulation> simulation_;
};

INSTANTIATE_TEST_SUITE_P(, SimulationOfFaultsTest, testing::Values(1, 3, 20),
                         [](const auto& agents) {
                           return "On" + std::to_string(agents.param) + "Agents";
                         });

TEST_P(SimulationOfFaultsTest, StragglersGetLessToDo) {
  cluster_.stragglers = 0.05;
  cluster_.slowness = 5;
  EXPECT_GE(efficiency(itemsFor(milliseconds(3000))), 0.95);
}

TEST_P(SimulationOfFaultsTest, DyingWorkersCostWhatDiesWithThem) {
  cluster_.life = milliseconds(1000);
  EXPECT_GE(efficiency(itemsFor(milliseconds(3000))), 0.95);
  EXPECT_GT(simulation_->deaths(), 100);
  EXPECT_LT(simulation_->lostShare(), simulation_->makespan() / 50)
      << "a few items and a new process for each death";
}

TEST_P(SimulationOfFaultsTest, EvenWorkersThatSeldomLiveToSeeTheEndOfAnItemDoThemAll) {
  cluster_.life = milliseconds(20);
  const std::uint64_t items = itemsFor(milliseconds(200));
  efficiency(items);
  EXPECT_GT(simulation_->deaths(), items / 4);
}

TEST(SimulationOfFewItemsTest, AllWorkersBeginAtOnceAndNoItemWaitsBehindAnother) {
  const ItemCosts hours({std::chrono::hours(1)});
  for (const int agents : {2, 3, 8}) {
    for (const int workers : {1, 2, 16}) {
      for (const int items : {1, 6, 7, 13, 48, 100, 128, 200}) {
        ClusterSimulation simulation({.agents = agents, .workersPerAgent = workers},
                                     static_cast<std::uint64_t>(items), hours);
        simulation.run();
        const int rounds = (items + agents * workers - 1) / (agents * workers);
        EXPECT_LT(simulation.makespan(), std::chrono::hours(rounds) + std::chrono::seconds(1))
            << items << " items on " << agents << " agents of " << workers;
      }
    }
  }
}

constexpr auto kAllCostShapes = {CostShape::Uniform, CostShape::Pareto, CostShape::Bimodal};

std::string nameOfCase(const testing::TestParamInfo<std::tuple<int, CostShape>>& info) {
  return nameOf(std::get<1>(info.param)) + "On" + std::to_string(std::get<0>(info.param)) +
         "Agents";
}

INSTANTIATE_TEST_SUITE_P(Small, SimulationTest,
                         testing::Combine(testing::Values(1, 3, 20),
                                          testing::ValuesIn(kAllCostShapes)),
                         nameOfCase);

using SimulationLargeTest = SimulationTest;

TEST_P(SimulationLargeTest, ItemsKeepEveryWorkerAtWork) {
  simulate(cluster(), shape(), std::chrono::seconds(1), std::chrono::seconds(5));
}

INSTANTIATE_TEST_SUITE_P(Many, SimulationLargeTest,
                         testing::Combine(testing::Values(100, 1'000),
                                          testing::ValuesIn(kAllCostShapes)),
                         nameOfCase);

// The name keeps it, like the ones above, away from sanitizers.
TEST(SimulationLargeTestOfTenThousandAgents, TheParentServesThemAll) {
  simulate({.agents = 10'000, .workersPerAgent = 4}, CostShape::Uniform, milliseconds(100),
           std::chrono::seconds(4));
}

TEST(SimulationLargeTestOfTenThousandAgents, AMillionWorkersShareTheWork) {
  simulate({.agents = 10'000, .workersPerAgent = 128}, CostShape::Uniform, std::chrono::seconds(1),
           std::chrono::seconds(2));
}

}  // namespace
}  // namespace procession::test
