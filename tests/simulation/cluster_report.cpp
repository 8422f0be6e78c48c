/// Where the parent of a large job becomes the limit, by the simulation: the tables of "At 10,000
/// nodes" in framework/README.md.
///
///     cluster_report          prints them, in Markdown: a minute or two
///     cluster_report --tiny   the same of a small cluster: that it works
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulation/cluster_simulation.hpp"
#include "simulation/item_costs.hpp"

namespace {

using procession::test::Cluster;
using procession::test::ClusterSimulation;
using procession::test::CostShape;
using procession::test::ItemCosts;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = Cluster::Time;

// Of a rank. To the parent 128 are the same: the chunks of a rank last as long, and are larger.
constexpr int kWorkers = 2;

struct Outcome {
  double efficiency = 0;  // of the workers
  double parent = 0;      // part of the time that it was at work
  double messages = 0;    // a second
};

/// Each worker has work for `share`, in items of about `item`.
Outcome simulate(const Cluster& cluster, Time item, Time share) {
  const auto workers = static_cast<std::uint64_t>(cluster.agents) *
                       static_cast<std::uint64_t>(cluster.workersPerAgent);
  const ItemCosts costs = costsOf(CostShape::Uniform, item);
  ClusterSimulation simulation(cluster, static_cast<std::uint64_t>(share / item) * workers, costs);
  simulation.run();
  const auto inSeconds = [](Time time) { return std::chrono::duration<double>(time).count(); };
  const double makespan = inSeconds(simulation.makespan());
  return {inSeconds(simulation.evenShare()) / makespan,
          inSeconds(simulation.parentBusy()) / makespan,
          static_cast<double>(simulation.parentMessages()) / makespan};
}

std::string inWords(Time time) {
  const auto is = [time](auto unit) { return time % unit == Time{0}; };
  if (is(seconds(1))) {
    return std::to_string(time / seconds(1)) + " s";
  }
  return is(milliseconds(1)) ? std::to_string(time / milliseconds(1)) + " ms"
                             : std::to_string(time / microseconds(1)) + " µs";
}

void printHead(const std::string& first, const std::vector<std::string>& columns) {
  std::cout << "\n| " << first << " |";
  for (const std::string& column : columns) {
    std::cout << ' ' << column << " |";
  }
  std::cout << "\n|---|";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::cout << "---|";
  }
  std::cout << '\n';
}

struct Case {
  std::string name;
  CostShape shape;
  Cluster cluster;
};

/// Efficiency, and in brackets how busy the parent is.
void printCell(const Outcome& outcome) {
  std::cout << ' ' << std::fixed << std::setprecision(2) << outcome.efficiency << " ("
            << std::setprecision(0) << 100 * outcome.parent << " %) |" << std::flush;
}

class Report {
 public:
  /// `scale`: ranks of the largest cluster.
  explicit Report(int scale) : scale_(scale) {}

  void printByItems() const {
    const std::vector<Time> items = {microseconds(100), milliseconds(10), seconds(1)};
    printHead("ranks", namesOf(items, "items of "));
    for (const int part : {100, 10, 3, 1}) {
      std::cout << "| " << scale_ / part << " |";
      for (const Time item : items) {
        printCell(
            simulate({.agents = scale_ / part, .workersPerAgent = kWorkers}, item, seconds(5)));
      }
      std::cout << '\n';
    }
  }

  void printByMessageCost() const {
    const std::vector<Time> shares = {seconds(1), seconds(4)};
    printHead("a message costs the parent", namesOf(shares, "work for "));
    for (const int cost : {2, 5, 10, 20, 50}) {
      std::cout << "| " << cost << " µs |";
      for (const Time share : shares) {
        printCell(simulate(
            {.agents = scale_, .workersPerAgent = kWorkers, .perMessage = microseconds(cost)},
            milliseconds(8), share));
      }
      std::cout << '\n';
    }
  }

  void printByChunkLength() const {
    const std::vector<Time> costs = {microseconds(2), microseconds(10), microseconds(50)};
    printHead("a chunk should last", namesOf(costs, "a message costs "));
    for (const int length : {1, 400, 1'000}) {
      std::cout << "| " << (length == 1 ? "20 µs a rank, as it is" : inWords(milliseconds(length)))
                << " |";
      for (const Time cost : costs) {
        printCell(simulate({.agents = scale_,
                            .workersPerAgent = kWorkers,
                            .perMessage = cost,
                            .worthwhile = milliseconds(length)},
                           milliseconds(8), seconds(4)));
      }
      std::cout << '\n';
    }
  }

  /// Items that the parent has in its memory, and results that it wants back.
  void printByBytes() const {
    const std::vector<int> ranks =
        scale_ < 10'000 ? std::vector{1, 4} : std::vector{1, 4, 16, 64, 256};
    std::vector<std::string> columns;
    for (const int count : ranks) {
      columns.push_back(std::to_string(count) + (count == 1 ? " rank" : " ranks"));
    }
    printHead("work a byte that travels", columns);
    for (const int nanoseconds : {1, 10, 100, 1'000}) {
      std::cout << "| " << nanoseconds << " ns |";
      for (const int count : ranks) {
        constexpr std::uint64_t kBytes = 65'536;  // there, and as many back
        const Time item(2 * kBytes * nanoseconds);
        printCell(simulate(
            {.agents = count, .workersPerAgent = 32, .itemBytes = kBytes, .resultBytes = kBytes},
            item, std::max<Time>(milliseconds(500), 20 * item)));
      }
      std::cout << '\n';
    }
  }

  /// What the hand-out makes of uneven items and workers.
  void printSchedules() const {
    printHead("ranks of 128 workers", {"items of 100 ms, workers", "efficiency",
                                       "makespan / lower bound", "messages a second at the parent",
                                       "most that wait for it", "chunks at a rank", "recalls"});
    const std::vector<std::pair<int, int>> clusters = {{1, 128}, {scale_ / 100, 128}, {scale_, 4}};
    for (const auto& [agents, workers] : clusters) {
      const Cluster cluster{.agents = agents, .workersPerAgent = workers};
      Cluster uneven = cluster;
      uneven.stragglers = 0.01;
      uneven.slowness = 10;
      Cluster mortal = cluster;
      mortal.life = seconds(10);
      for (const Case& each :
           {Case{"uniform", CostShape::Uniform, cluster},
            Case{"Pareto(1.16), up to 2 s", CostShape::Pareto, cluster},
            Case{"bimodal, a tenth 500 ms", CostShape::Bimodal, cluster},
            Case{"uniform; 1 % of the workers 10 times slower", CostShape::Uniform, uneven},
            Case{"uniform; a worker lives for 10 s", CostShape::Uniform, mortal}}) {
        printSchedule(each);
      }
    }
  }

 private:
  static void printSchedule(const Case& which) {
    const Cluster& cluster = which.cluster;
    const ItemCosts costs = costsOf(which.shape, milliseconds(100));
    const auto workers = static_cast<std::uint64_t>(cluster.agents) *
                         static_cast<std::uint64_t>(cluster.workersPerAgent);
    ClusterSimulation simulation(cluster, 50 * workers, costs);
    simulation.run();
    const auto inSeconds = [](Time time) { return std::chrono::duration<double>(time).count(); };
    const double even = inSeconds(simulation.evenShare());
    const double makespan = inSeconds(simulation.makespan());
    const double messages = static_cast<double>(simulation.parentMessages()) / makespan;
    std::cout << "| " << cluster.agents << " of " << cluster.workersPerAgent << " | " << which.name
              << " | " << std::fixed << std::setprecision(3) << even / makespan << " | "
              << makespan / std::max(even, inSeconds(costs.largest())) << " | "
              << std::setprecision(0) << messages << " | " << simulation.longestQueue() << " | "
              << simulation.mostChunksOfAgent() << " | " << simulation.recalls() << " |\n"
              << std::flush;
  }

  static std::vector<std::string> namesOf(const std::vector<Time>& times, const char* prefix) {
    std::vector<std::string> names;
    for (const Time time : times) {
      names.push_back(prefix + inWords(time));
    }
    return names;
  }

  int scale_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool isTiny = argc == 2 && std::string_view(argv[1]) == "--tiny";
  if (argc > 1 && !isTiny) {
    std::cerr << "usage: cluster_report [--tiny]\n";
    return 2;
  }
  try {
    const Report report(isTiny ? 100 : 10'000);
    report.printSchedules();
    report.printByItems();
    report.printByMessageCost();
    report.printByChunkLength();
    report.printByBytes();
  } catch (const std::exception& error) {
    std::cerr << "cluster_report: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
