#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <ranges>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/process_pool.hpp"
#include "support/process_stat.hpp"
#include "uneven_work.hpp"

// Workers that somebody kills, one every 100 ms, beside workers that are left in peace: what it
// costs to start others, and to do again what died with them.

namespace procession::benchmarks {

namespace {

/// Kills the children of a process in turn, while it lives.
class Killer {
 public:
  explicit Killer(pid_t parent)
      : thread_([this, parent](const std::stop_token& stop) { killChildrenOf(parent, stop); }) {}

 private:
  void killChildrenOf(pid_t parent, const std::stop_token& stop) {
    constexpr auto kInterval = std::chrono::milliseconds(100);
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any never;
    for (std::size_t turn = 0; !stop.stop_requested(); ++turn) {
      never.wait_for(lock, stop, kInterval, [] { return false; });
      const std::vector<pid_t> children = test::childrenOf(parent);
      if (!stop.stop_requested() && !children.empty()) {
        kill(children[turn % children.size()], SIGKILL);
      }
    }
  }

  std::jthread thread_;
};

}  // namespace

void registerKills(const Settings& settings) {
  const int workers = settings.workers;
  const int count = settings.tiny ? 300 : 20'000;
  const auto items = std::views::iota(0, count);
  const auto pool =
      lazily([workers] { return ProcessPool({.workerCount = workers, .retries = 1'000}); });
  const auto work = [=] {
    return pool->map(items, [](int item) {
      spin(1'000'000);
      return item;
    });
  };
  const auto matches = [items](const std::vector<int>& results) {
    return std::ranges::equal(results, items);
  };
  const std::string row = "kills/" + std::to_string(count);
  addContender(row + "/procession", work, matches, [pool] {
    const pid_t forkServer =
        pool->map(std::views::single(0), [](int) { return getppid(); }).front();
    return std::make_shared<Killer>(forkServer);
  });
  addContender(row + "/undisturbed", work, matches);
}

}  // namespace procession::benchmarks
