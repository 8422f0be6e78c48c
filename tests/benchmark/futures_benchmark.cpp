#include <memory>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "pipe_workers.hpp"
#include "procession/process_pool.hpp"
#include "vector_job.hpp"

// Calls of no length, handed over one by one and gathered: what a submission costs.

namespace procession::benchmarks {

namespace {

int work(int call) { return call + 1; }

std::vector<int> runPool(ProcessPool& pool, int calls) {
  std::vector<Future<int>> futures;
  futures.reserve(static_cast<std::size_t>(calls));
  for (int call = 0; call < calls; ++call) {
    futures.push_back(pool.submit(work, call));
  }
  std::vector<int> results;
  results.reserve(futures.size());
  for (const Future<int>& future : futures) {
    results.push_back(future.get());
  }
  return results;
}

Bytes callWork(std::span<std::byte> request) {
  for (int& call : valuesOf<int>(request)) {
    call = work(call);
  }
  return request;
}

/// The limit: calls of one known kind, collected in batches by whoever makes them.
std::vector<int> runBatches(PipeWorkers& workers, int calls) {
  constexpr std::size_t kBatch = 256;
  std::vector<int> requests;
  for (int call = 0; call < calls; ++call) {
    requests.push_back(call);
  }
  std::vector<int> results(requests.size());
  VectorJob<int, int> job(requests, kBatch, results);
  workers.run(VectorJob<int, int>::chunkCount(requests.size(), kBatch), job);
  return results;
}

}  // namespace

void registerFutures(const Settings& settings) {
  const int calls = settings.tiny ? 200 : 20'000;
  const int workers = settings.workers;
  const auto matches = [calls](const std::vector<int>& results) {
    bool right = results.size() == static_cast<std::size_t>(calls);
    for (std::size_t i = 0; i < results.size(); ++i) {
      right = right && results[i] == work(static_cast<int>(i));
    }
    return right;
  };
  const std::string row = "futures/" + std::to_string(calls);
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  const auto pipes = lazily([workers] { return PipeWorkers(workers, callWork); });
  addContender(
      row + "/procession", [=] { return runPool(*pool, calls); }, matches);
  addContender(
      row + "/pipes", [=] { return runBatches(*pipes, calls); }, matches);
}

}  // namespace procession::benchmarks
