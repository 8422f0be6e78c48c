#include <mpi.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "mpi/job.hpp"
#include "procession/process_pool.hpp"
#include "square_input.hpp"

// map x*x over doubles in the memory of rank 0, with the results in a new vector there.

namespace procession::benchmarks {

namespace {

std::size_t itemCount(const Job& job) { return job.tiny ? 100'000 : 10'000'000; }

void runOurs(const Job& job) {
  const SquareInput input = makeSquareInput(itemCount(job));
  ProcessPool pool(job.workers);
  measure(
      job, [&] { return pool.map(input.items, [](double x) { return x * x; }); },
      [&](const std::vector<double>& squares) { return squares == input.squares; });
}

/// Rank 0 has its own share where it is, and puts its results where they belong; the others get
/// theirs from it. Memory is new, for results, each time, as it is to whoever calls map; with
/// `keepsMemory` it is not.
void runScatterAndGather(const Job& job, bool keepsMemory) {
  const std::size_t count = itemCount(job);
  const SquareInput input = job.rank == 0 ? makeSquareInput(count) : SquareInput{};
  const Share share = shareOf(job, count, job.rank);
  const Shares shares = allShares(job, count);
  const auto& counts = shares.counts;
  const auto& firsts = shares.firsts;
  std::vector<double> local(job.rank == 0 ? 0 : share.count);
  std::shared_ptr<double[]> kept;
  const auto work = [&] {
    std::shared_ptr<double[]> results = kept;
    if (job.rank == 0) {
      if (results == nullptr) {
        results = std::make_shared_for_overwrite<double[]>(count);
      }
      MPI_Scatterv(input.items.data(), counts.data(), firsts.data(), MPI_DOUBLE, MPI_IN_PLACE, 0,
                   MPI_DOUBLE, 0, MPI_COMM_WORLD);
      for (std::size_t i = share.first; i < share.first + share.count; ++i) {
        results[i] = input.items[i] * input.items[i];
      }
      MPI_Gatherv(MPI_IN_PLACE, 0, MPI_DOUBLE, results.get(), counts.data(), firsts.data(),
                  MPI_DOUBLE, 0, MPI_COMM_WORLD);
    } else {
      const auto localCount = static_cast<int>(share.count);
      MPI_Scatterv(nullptr, nullptr, nullptr, MPI_DOUBLE, local.data(), localCount, MPI_DOUBLE, 0,
                   MPI_COMM_WORLD);
      for (double& x : local) {
        x *= x;
      }
      MPI_Gatherv(local.data(), localCount, MPI_DOUBLE, nullptr, nullptr, nullptr, MPI_DOUBLE, 0,
                  MPI_COMM_WORLD);
    }
    if (keepsMemory) {
      kept = results;
    }
    return results;
  };
  measure(job, work, [&](const std::shared_ptr<double[]>& results) {
    return std::ranges::equal(std::span(results.get(), count), input.squares);
  });
}

void runRaw(const Job& job) { runScatterAndGather(job, false); }
void runRawInKeptMemory(const Job& job) { runScatterAndGather(job, true); }

}  // namespace

std::vector<Contender> mapContenders() {
  return {
      {"map", "procession", runOurs}, {"map", "raw", runRaw}, {"map", "kept", runRawInKeptMemory}};
}

}  // namespace procession::benchmarks
