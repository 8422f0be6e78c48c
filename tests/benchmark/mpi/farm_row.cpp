#include <mpi.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "mpi/job.hpp"
#include "procession/process_pool.hpp"

// 20,000 tiny tasks that are known from the beginning. The script measures mpi4py's MPIPoolExecutor
// beside it.

namespace procession::benchmarks {

namespace {

constexpr int kWork = 1;
constexpr int kEnd = 2;

std::vector<std::int64_t> makeTasks(const Job& job) {
  std::vector<std::int64_t> tasks(job.tiny ? 500 : 20'000);
  std::iota(tasks.begin(), tasks.end(), std::int64_t{0});
  return tasks;
}

std::int64_t doTask(std::int64_t task) { return 3 * task + 1; }

bool areResults(const std::vector<std::int64_t>& results, const std::vector<std::int64_t>& tasks) {
  return std::ranges::equal(results, tasks, {}, {}, doTask);
}

void runOurs(const Job& job) {
  const std::vector<std::int64_t> tasks = makeTasks(job);
  ProcessPool pool(job.workers);
  measure(
      job, [&] { return pool.map(tasks, [](std::int64_t task) { return doTask(task); }); },
      [&](const auto& results) { return areResults(results, tasks); });
}

/// Rank 0 hands out and computes nothing: to each of the others two batches at first, so that it
/// never waits for the next, and another for each that comes back.
std::vector<std::int64_t> handOut(const Job& job, const std::vector<std::int64_t>& tasks,
                                  std::size_t batch) {
  std::vector<std::int64_t> results(tasks.size());
  std::size_t sent = 0;
  std::size_t received = 0;
  std::vector<std::vector<std::size_t>> waiting(static_cast<std::size_t>(job.ranks));
  const auto send = [&](int rank) {
    if (sent < tasks.size()) {
      const std::size_t count = std::min(batch, tasks.size() - sent);
      MPI_Send(tasks.data() + sent, static_cast<int>(count), MPI_INT64_T, rank, kWork,
               MPI_COMM_WORLD);
      waiting[static_cast<std::size_t>(rank)].push_back(sent);
      sent += count;
    }
  };
  for (int round = 0; round < 2; ++round) {
    for (int rank = 1; rank < job.ranks; ++rank) {
      send(rank);
    }
  }
  while (received < tasks.size()) {
    MPI_Status status;
    MPI_Probe(MPI_ANY_SOURCE, kWork, MPI_COMM_WORLD, &status);
    int count = 0;
    MPI_Get_count(&status, MPI_INT64_T, &count);
    auto& firsts = waiting[static_cast<std::size_t>(status.MPI_SOURCE)];
    MPI_Recv(results.data() + firsts.front(), count, MPI_INT64_T, status.MPI_SOURCE, kWork,
             MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    firsts.erase(firsts.begin());
    received += static_cast<std::size_t>(count);
    send(status.MPI_SOURCE);
  }
  for (int rank = 1; rank < job.ranks; ++rank) {
    MPI_Send(nullptr, 0, MPI_INT64_T, rank, kEnd, MPI_COMM_WORLD);
  }
  return results;
}

std::vector<std::int64_t> serve(std::size_t batch) {
  std::vector<std::int64_t> tasks(batch);
  while (true) {
    MPI_Status status;
    MPI_Recv(tasks.data(), static_cast<int>(batch), MPI_INT64_T, 0, MPI_ANY_TAG, MPI_COMM_WORLD,
             &status);
    if (status.MPI_TAG == kEnd) {
      return {};
    }
    int count = 0;
    MPI_Get_count(&status, MPI_INT64_T, &count);
    std::transform(tasks.begin(), tasks.begin() + count, tasks.begin(), doTask);
    MPI_Send(tasks.data(), count, MPI_INT64_T, 0, kWork, MPI_COMM_WORLD);
  }
}

void runFarm(const Job& job, std::size_t batch) {
  const std::vector<std::int64_t> tasks = makeTasks(job);
  measure(
      job, [&] { return job.rank == 0 ? handOut(job, tasks, batch) : serve(batch); },
      [&](const auto& results) { return areResults(results, tasks); });
}

void runSingly(const Job& job) { runFarm(job, 1); }
void runInBatches(const Job& job) { runFarm(job, 500); }

}  // namespace

std::vector<Contender> farmContenders() {
  return {{"farm", "procession", runOurs},
          {"farm", "raw", runSingly},
          {"farm", "batches", runInBatches}};
}

}  // namespace procession::benchmarks
