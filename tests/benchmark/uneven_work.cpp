#include "uneven_work.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <numeric>
#include <random>

namespace procession::benchmarks {

namespace {

constexpr double kShape = 1.16;  // of 80 to 20

std::int64_t threadTime() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

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

bool areResultsOfSpin(const std::vector<std::int64_t>& results,
                      const std::vector<std::int64_t>& lengths) {
  return std::ranges::equal(results, lengths, {}, {},
                            [](std::int64_t length) { return length + 1; });
}

}  // namespace procession::benchmarks
