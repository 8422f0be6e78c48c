#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "message_round.hpp"
#include "procession/process_pool.hpp"

// A pool made for one small map and destroyed, against children forked for it.

namespace procession::benchmarks {

namespace {

/// The results of the last round, all rounds being the same.
template <class Round>
std::vector<double> repeat(int rounds, const Round& round) {
  std::vector<double> results;
  for (int i = 0; i < rounds; ++i) {
    results = round();
  }
  return results;
}

}  // namespace

void registerPoolLifetime(const Settings& settings) {
  const int workers = settings.workers;
  const int rounds = settings.tiny ? 2 : 50;
  const std::vector<double> items{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const auto matches = [items](const std::vector<double>& results) {
    bool right = results.size() == items.size();
    for (std::size_t i = 0; i < results.size(); ++i) {
      right = right && results[i] == items[i] * items[i];
    }
    return right;
  };
  const std::string row = "pool_lifetime/" + std::to_string(rounds);
  addContender(
      row + "/procession",
      [=] {
        return repeat(rounds, [&] {
          ProcessPool pool(workers);
          return pool.map(items, [](double x) { return x * x; });
        });
      },
      matches);
  addContender(
      row + "/forks",
      [=] { return repeat(rounds, [&] { return mapInFreshForks(workers, items); }); }, matches);
}

}  // namespace procession::benchmarks
