// Batches that need a lot of memory, and a library that never gives it back: it is gone when the
// workers end, and the program itself stays small.

#include <unistd.h>

#include <fstream>
#include <iostream>
#include <numeric>
#include <ranges>
#include <set>
#include <string>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

constexpr std::size_t kBatchMiB = 32;
constexpr std::size_t kMiB = std::size_t{1} << 20;

struct Batch {
  double sum;
  pid_t worker;
};

// Keeps all that it ever had, as caches and leaks do.
Batch process(int batch) {
  static std::vector<std::vector<double>> kept;
  const auto& numbers = kept.emplace_back(kBatchMiB * kMiB / sizeof(double), batch);
  return {std::accumulate(numbers.begin(), numbers.end(), 0.0), getpid()};
}

/// What of a process is in memory; nothing of one that ended.
std::size_t residentMiB(pid_t process) {
  std::ifstream pages("/proc/" + std::to_string(process) + "/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  pages >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / kMiB;
}

std::size_t residentMiB(const std::set<pid_t>& processes) {
  return std::accumulate(processes.begin(), processes.end(), std::size_t{0},
                         [](std::size_t sum, pid_t process) { return sum + residentMiB(process); });
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    constexpr std::size_t kBatches = 8;
    const std::size_t before = residentMiB(getpid());

    ProcessPool pool(2);
    std::set<pid_t> workers;
    double sum = 0;
    for (const Batch& batch : pool.map(std::views::iota(0, int{kBatches}), process)) {
      sum += batch.sum;
      workers.insert(batch.worker);
    }
    const std::size_t held = residentMiB(workers);
    pool.shutdown();
    const std::size_t left = residentMiB(workers);
    const std::size_t after = residentMiB(getpid());

    std::cout << "sum " << sum << "\n"
              << "workers held " << (held >= kBatches * kBatchMiB ? "all of " : "less than ")
              << kBatches * kBatchMiB << " MiB; " << left << " MiB when they had ended\n"
              << "the program grew by " << (after < before + kBatchMiB / 2 ? "less" : "more")
              << " than " << kBatchMiB / 2 << " MiB\n";
  });
}
