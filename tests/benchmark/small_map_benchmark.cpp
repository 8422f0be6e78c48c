#include <cstddef>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "message_round.hpp"
#include "procession/process_pool.hpp"

// Many maps of 16 items on a warm pool: what the hand-over costs when there is next to nothing to
// hand over. The script measures Python's multiprocessing beside it (multiprocessing_maps.py).

namespace procession::benchmarks {

namespace {

constexpr std::size_t kItems = 16;

std::vector<double> makeItems() {
  std::vector<double> items(kItems);
  for (std::size_t i = 0; i < kItems; ++i) {
    items[i] = static_cast<double>(i) + 0.5;
  }
  return items;
}

/// The results of all maps, one after the other.
template <class Map>
std::vector<double> repeat(std::size_t maps, const Map& map) {
  std::vector<double> all;
  all.reserve(maps * kItems);
  for (std::size_t i = 0; i < maps; ++i) {
    const std::vector<double> results = map();
    all.insert(all.end(), results.begin(), results.end());
  }
  return all;
}

}  // namespace

void registerSmallMap(const Settings& settings) {
  const int workers = settings.workers;
  const std::size_t maps = settings.tiny ? 20 : 1'000;
  const std::vector<double> items = makeItems();
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  const auto round = lazily([workers] { return MessageRound(workers, kItems); });
  const auto matches = [items, maps](const std::vector<double>& results) {
    bool right = results.size() == maps * kItems;
    for (std::size_t i = 0; i < results.size(); ++i) {
      right = right && results[i] == items[i % kItems] * items[i % kItems];
    }
    return right;
  };
  const std::string row = "small_map/" + std::to_string(maps);
  addContender(
      row + "/procession",
      [=] {
        return repeat(maps, [&] { return pool->map(items, [](double x) { return x * x; }); });
      },
      matches);
  addContender(
      row + "/round", [=] { return repeat(maps, [&] { return round->map(items); }); }, matches);
}

}  // namespace procession::benchmarks
