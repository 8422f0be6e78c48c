#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/process_pool.hpp"
#include "uneven_work.hpp"

// Items of Pareto-distributed lengths. Tells how well the work is spread. The ideal is the sum of
// the lengths divided by the workers.

namespace procession::benchmarks {

void registerUneven(const Settings& settings) {
  const int workers = settings.workers;
  const std::size_t count = settings.tiny ? 50 : 2'000;
  const auto total = std::chrono::milliseconds(settings.tiny ? 20 : 4'000);
  const std::vector<std::int64_t> lengths = paretoLengths(count, total);
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  const auto matches = [lengths](const std::vector<std::int64_t>& results) {
    return areResultsOfSpin(results, lengths);
  };
  const std::string row = "uneven/" + std::to_string(count);
  addContender(
      row + "/procession",
      [=] { return pool->map(lengths, [](std::int64_t length) { return spin(length); }); },
      matches);
  addContender(
      row + "/openmp", [=] { return spinWithOpenMp(workers, lengths); }, matches,
      openMpTeam(workers));
}

}  // namespace procession::benchmarks
