#include <mpi.h>

#include <cstdint>
#include <ranges>

#include "mpi/job.hpp"
#include "procession/process_pool.hpp"

// The sum of a range that every process makes for itself.

namespace procession::benchmarks {

namespace {

std::int64_t itemCount(const Job& job) { return job.tiny ? 1'000'000 : 1'000'000'000; }

template <class Work>
void measureSum(const Job& job, Work work) {
  const std::int64_t count = itemCount(job);
  measure(job, work, [count](std::int64_t sum) { return sum == count / 2 * (count - 1); });
}

void runOurs(const Job& job) {
  ProcessPool pool(job.workers);
  measureSum(job, [&] {
    return pool.reduce(
        std::views::iota(std::int64_t{0}, itemCount(job)),
        [](std::int64_t a, std::int64_t b) { return a + b; }, std::int64_t{0});
  });
}

void runRaw(const Job& job) {
  const Share share = shareOf(job, static_cast<std::size_t>(itemCount(job)), job.rank);
  measureSum(job, [&] {
    const auto first = static_cast<std::int64_t>(share.first);
    const auto end = static_cast<std::int64_t>(share.first + share.count);
    std::int64_t mine = 0;
    for (std::int64_t i = first; i < end; ++i) {
      mine += i;
    }
    std::int64_t sum = 0;
    MPI_Reduce(&mine, &sum, 1, MPI_INT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
    return sum;
  });
}

}  // namespace

std::vector<Contender> lazySumContenders() {
  return {{"lazy_sum", "procession", runOurs}, {"lazy_sum", "raw", runRaw}};
}

}  // namespace procession::benchmarks
