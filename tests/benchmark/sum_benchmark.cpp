#include <omp.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <ranges>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/process_pool.hpp"
#include "vector_job.hpp"

// reduce by addition: of doubles that have to reach the workers, and of a lazy range that does not.

namespace procession::benchmarks {

namespace {

constexpr std::size_t kChunkItems = 64 * 1024;

/// Small whole numbers: their sum is exact in whatever order they are added.
std::vector<double> makeNumbers(std::size_t count) {
  std::vector<double> numbers(count);
  for (std::size_t i = 0; i < count; ++i) {
    numbers[i] = static_cast<double>(i % 1'000);
  }
  return numbers;
}

Bytes sumRequest(std::span<std::byte> request) {
  static double sum = 0;
  const auto numbers = valuesOf<double>(request);
  sum = std::accumulate(numbers.begin(), numbers.end(), 0.0);
  return std::as_bytes(std::span(&sum, 1));
}

double sumOverPipes(PipeWorkers& workers, const std::vector<double>& numbers) {
  std::vector<double> partials(VectorJob<double, double>::chunkCount(numbers.size(), kChunkItems));
  VectorJob<double, double> job(numbers, kChunkItems, partials);
  workers.run(partials.size(), job);
  return std::accumulate(partials.begin(), partials.end(), 0.0);
}

double sumWithOpenMp(int threads, const std::vector<double>& numbers) {
  double sum = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : sum)
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    sum += numbers[i];
  }
  return sum;
}

std::int64_t sumLazilyWithOpenMp(int threads, std::int64_t count) {
  std::int64_t sum = 0;
#pragma omp parallel for num_threads(threads) reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) {
    sum += i;
  }
  return sum;
}

void registerSumInMemory(std::size_t count, const Lazy<ProcessPool>& pool, int workers) {
  const auto numbers = lazily([count] { return makeNumbers(count); });
  const auto expected =
      lazily([numbers] { return std::accumulate(numbers->begin(), numbers->end(), 0.0); });
  const auto pipes = lazily([workers] { return PipeWorkers(workers, sumRequest); });
  const auto matches = [expected](double sum) { return sum == *expected; };
  const std::string row = "sum/" + std::to_string(count);
  addContender(
      row + "/procession",
      [=] {
        return pool->reduce(
            *numbers, [](double a, double b) { return a + b; }, 0.0);
      },
      matches);
  addContender(
      row + "/pipes", [=] { return sumOverPipes(*pipes, *numbers); }, matches);
  addContender(
      row + "/openmp", [=] { return sumWithOpenMp(workers, *numbers); }, matches,
      openMpTeam(workers));
}

void registerSumOfLazyRange(std::int64_t count, const Lazy<ProcessPool>& pool, int workers) {
  const auto matches = [count](std::int64_t sum) { return sum == count / 2 * (count - 1); };
  const std::string row = "lazy_sum/" + std::to_string(count);
  addContender(
      row + "/procession",
      [=] {
        return pool->reduce(
            std::views::iota(std::int64_t{0}, count),
            [](std::int64_t a, std::int64_t b) { return a + b; }, std::int64_t{0});
      },
      matches);
  addContender(
      row + "/openmp", [=] { return sumLazilyWithOpenMp(workers, count); }, matches,
      openMpTeam(workers));
}

}  // namespace

void registerSum(const Settings& settings) {
  const int workers = settings.workers;
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  registerSumInMemory(settings.tiny ? 100'000 : 10'000'000, pool, workers);
  registerSumOfLazyRange(settings.tiny ? 1'000'000 : 1'000'000'000, pool, workers);
}

}  // namespace procession::benchmarks
