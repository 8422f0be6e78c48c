// How many workers? It depends on what the callback waits for.

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <numeric>
#include <ranges>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

double compute(int n) {
  double sum = 0;
  for (int i = 1; i <= 100'000; ++i) {
    sum += std::sin(n) / i;
  }
  return sum;
}

// Stands for a request to a server: the core has nothing to do meanwhile.
int request(int n) {
  const timespec delay{.tv_sec = 0, .tv_nsec = 10'000'000};
  nanosleep(&delay, nullptr);
  return n;
}

// Needs a large table for each item.
constexpr std::size_t kTableBytes = std::size_t{16} << 20;
double tabulate(int n) {
  const std::vector<double> table(kTableBytes / sizeof(double), n);
  return std::accumulate(table.begin(), table.end(), 0.0);
}

std::size_t availableMemory() {
  return static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) *
         static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    const auto items = std::views::iota(0, 32);

    // [readme:worker counts]
    // It computes: one worker a core, which is the default.
    ProcessPool computing;

    // It waits for servers or disks: more workers than cores, so that others go on meanwhile.
    ProcessPool waiting(4 * Process::getCpuCores());

    // It needs much memory: no more workers than have room, whatever the cores.
    const std::size_t room = availableMemory() / 2 / kTableBytes;
    ProcessPool tabulating(std::clamp(static_cast<int>(room), 1, Process::getCpuCores()));
    // [readme:end]

    const auto sums = computing.map(items, compute);
    const auto answers = waiting.map(items, request);
    const auto totals = tabulating.map(items, tabulate);
    std::cout << "computed " << sums.size() << ", asked for " << answers.size() << ", tabulated "
              << totals.size() << "\n"
              << "more workers wait than compute: "
              << (waiting.getWorkerCount() > tabulating.getWorkerCount() ? "yes" : "no") << "\n";
  });
}
