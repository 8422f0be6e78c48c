#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/process_pool.hpp"

// Items of Pareto-distributed lengths: most are short, a few are as long as hundreds of others.
// Tells how well the work is spread. The ideal is the sum of the lengths divided by the workers.

namespace procession::benchmarks {

namespace {

constexpr double kShape = 1.16;  // of 80 to 20

/// Lengths in nanoseconds that add up to `total`; the same ones on every machine.
std::vector<std::int64_t> paretoLengths(std::size_t count, std::chrono::nanoseconds total) {
  std::mt19937_64 random(2'000);
  std::vector<double> shares(count);
  for (double& share : shares) {
    const double uniform = (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
    share = std::pow(uniform, -1 / kShape);
  }
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  std::vector<std::int64_t> lengths(count);
  std::ranges::transform(shares, lengths.begin(), [&](double share) {
    return static_cast<std::int64_t>(share / sum * static_cast<double>(total.count()));
  });
  return lengths;
}

std::int64_t threadTime() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// Uses the processor for so many nanoseconds: time in which it was used by others does not count,
/// so that whatever the parent does beside its workers is seen in the result.
std::int64_t spin(std::int64_t nanoseconds) {
  const std::int64_t end = threadTime() + nanoseconds;
  while (threadTime() < end) {
  }
  return nanoseconds + 1;
}

std::vector<std::int64_t> spinWithOpenMp(int threads, const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> results(lengths.size());
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    results[i] = spin(lengths[i]);
  }
  return results;
}

}  // namespace

void registerUneven(const Settings& settings) {
  const int workers = settings.workers;
  const std::size_t count = settings.tiny ? 50 : 2'000;
  const auto total = std::chrono::milliseconds(settings.tiny ? 20 : 4'000);
  const std::vector<std::int64_t> lengths = paretoLengths(count, total);
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  const auto matches = [lengths](const std::vector<std::int64_t>& results) {
    return std::ranges::equal(results, lengths, {}, {},
                              [](std::int64_t length) { return length + 1; });
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
