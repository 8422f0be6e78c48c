#include "mpi/job.hpp"

#include <mpi.h>

#include <iomanip>
#include <iostream>

namespace procession::benchmarks {

void meet(const Job& job) {
  if (job.ranks > 1) {
    MPI_Barrier(MPI_COMM_WORLD);
  }
}

void printMilliseconds(std::chrono::duration<double> took) {
  std::cout << std::fixed << std::setprecision(4) << took.count() * 1e3 << std::endl;
}

Share shareOf(const Job& job, std::size_t items, int rank) {
  const auto ranks = static_cast<std::size_t>(job.ranks);
  const auto number = static_cast<std::size_t>(rank);
  const std::size_t first = items * number / ranks;
  return {first, items * (number + 1) / ranks - first};
}

Shares allShares(const Job& job, std::size_t items) {
  Shares shares;
  for (int rank = 0; rank < job.ranks; ++rank) {
    const Share share = shareOf(job, items, rank);
    shares.firsts.push_back(static_cast<int>(share.first));
    shares.counts.push_back(static_cast<int>(share.count));
  }
  return shares;
}

}  // namespace procession::benchmarks
