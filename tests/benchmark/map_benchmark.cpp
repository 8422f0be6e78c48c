#include <omp.h>

#include <cstddef>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/process_pool.hpp"
#include "square_input.hpp"
#include "vector_job.hpp"

// map x*x over doubles in memory: all hand-over, hardly any work.

namespace procession::benchmarks {

namespace {

constexpr std::size_t kChunkItems =
    64 * 1024;  // 512 KiB: the best of 64 KiB to 4 MiB in pipes of 1 MiB

Bytes squareInPlace(std::span<std::byte> request) {
  for (double& x : valuesOf<double>(request)) {
    x *= x;
  }
  return request;
}

std::vector<double> mapOverPipes(PipeWorkers& workers, const std::vector<double>& items) {
  std::vector<double> results(items.size());
  VectorJob<double, double> job(items, kChunkItems, results);
  workers.run(job.chunkCount(items.size(), kChunkItems), job);
  return results;
}

std::vector<double> mapWithOpenMp(int threads, const std::vector<double>& items) {
  std::vector<double> results(items.size());
#pragma omp parallel for num_threads(threads) schedule(static)
  for (std::size_t i = 0; i < items.size(); ++i) {
    results[i] = items[i] * items[i];
  }
  return results;
}

void registerMapOf(std::size_t count, const Lazy<ProcessPool>& pool, const Lazy<PipeWorkers>& pipes,
                   int workers) {
  const auto input = lazily([count] { return makeSquareInput(count); });
  const std::string row = "map/" + std::to_string(count);
  const auto matches = [input](const std::vector<double>& squares) {
    return squares == input->squares;
  };
  addContender(
      row + "/procession", [=] { return pool->map(input->items, [](double x) { return x * x; }); },
      matches);
  addContender(
      row + "/pipes", [=] { return mapOverPipes(*pipes, input->items); }, matches);
  addContender(
      row + "/openmp", [=] { return mapWithOpenMp(workers, input->items); }, matches,
      openMpTeam(workers));
}

}  // namespace

void registerMap(const Settings& settings) {
  const int workers = settings.workers;
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  const auto pipes = lazily([workers] { return PipeWorkers(workers, squareInPlace); });
  if (settings.tiny) {
    registerMapOf(100'000, pool, pipes, workers);
    return;
  }
  registerMapOf(1'000'000, pool, pipes, workers);
  registerMapOf(10'000'000, pool, pipes, workers);
}

}  // namespace procession::benchmarks
