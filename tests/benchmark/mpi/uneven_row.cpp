#include <chrono>
#include <cstdint>
#include <vector>

#include "mpi/job.hpp"
#include "procession/process_pool.hpp"
#include "uneven_work.hpp"

// Items of Pareto-distributed lengths: how well the work is spread.

namespace procession::benchmarks {

namespace {

std::vector<std::int64_t> makeLengths(const Job& job) {
  return job.tiny ? paretoLengths(50, std::chrono::milliseconds(20))
                  : paretoLengths(2'000, std::chrono::seconds(4));
}

void runOurs(const Job& job) {
  const std::vector<std::int64_t> lengths = makeLengths(job);
  ProcessPool pool(job.workers);
  measure(
      job, [&] { return pool.map(lengths, [](std::int64_t length) { return spin(length); }); },
      [&](const auto& results) { return areResultsOfSpin(results, lengths); });
}

/// Threads instead of ranks: a job of one.
void runOpenMp(const Job& job) {
  const std::vector<std::int64_t> lengths = makeLengths(job);
  measure(
      job, [&] { return spinWithOpenMp(job.workers, lengths); },
      [&](const auto& results) { return areResultsOfSpin(results, lengths); });
}

}  // namespace

std::vector<Contender> unevenContenders() {
  return {{"uneven", "procession", runOurs}, {"uneven", "openmp", runOpenMp}};
}

}  // namespace procession::benchmarks
