#include <mpi.h>

#include <cstddef>
#include <vector>

#include "mpi/job.hpp"
#include "procession/process_pool.hpp"
#include "square_input.hpp"

// Many maps of 16 items, one after the other: what the hand-over costs when there is next to
// nothing to hand over. The script measures mpi4py's MPIPoolExecutor beside it.

namespace procession::benchmarks {

namespace {

constexpr std::size_t kItems = 16;

int mapCount(const Job& job) { return job.tiny ? 20 : 1'000; }

/// The results of all maps, one after the other, are what is compared.
template <class Map>
void measureMaps(const Job& job, const SquareInput& input, const Map& map) {
  const auto work = [&] {
    std::vector<double> all;
    all.reserve(static_cast<std::size_t>(mapCount(job)) * kItems);
    for (int i = 0; i < mapCount(job); ++i) {
      const std::vector<double> results = map();
      all.insert(all.end(), results.begin(), results.end());
    }
    return all;
  };
  measure(job, work, [&](const std::vector<double>& all) {
    bool isRight = all.size() == static_cast<std::size_t>(mapCount(job)) * kItems;
    for (std::size_t i = 0; i < all.size(); ++i) {
      isRight = isRight && all[i] == input.squares[i % kItems];
    }
    return isRight;
  });
}

void runOurs(const Job& job) {
  const SquareInput input = makeSquareInput(kItems);
  ProcessPool pool(job.workers);
  measureMaps(job, input, [&] { return pool.map(input.items, [](double x) { return x * x; }); });
}

/// Ranks that wait for each other without a pause, as MPI does.
void runRaw(const Job& job) {
  const SquareInput input = makeSquareInput(kItems);
  const Shares shares = allShares(job, kItems);
  const auto& counts = shares.counts;
  const auto& firsts = shares.firsts;
  const auto localCount = static_cast<int>(shareOf(job, kItems, job.rank).count);
  measureMaps(job, input, [&] {
    std::vector<double> local(static_cast<std::size_t>(localCount));
    MPI_Scatterv(input.items.data(), counts.data(), firsts.data(), MPI_DOUBLE, local.data(),
                 localCount, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    for (double& x : local) {
      x *= x;
    }
    std::vector<double> results(job.rank == 0 ? kItems : 0);
    MPI_Gatherv(local.data(), localCount, MPI_DOUBLE, results.data(), counts.data(), firsts.data(),
                MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return results;
  });
}

}  // namespace

std::vector<Contender> smallMapContenders() {
  return {{"small_map", "procession", runOurs}, {"small_map", "raw", runRaw}};
}

}  // namespace procession::benchmarks
