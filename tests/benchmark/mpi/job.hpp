#pragma once

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace procession::benchmarks {

/// What the command line says to a contender, and where in the job it runs.
struct Job {
  int workers = 2;  // processes that compute
  int repetitions = 1;
  bool tiny = false;  // sizes for a check of the results rather than of the speed
  int rank = 0;
  int ranks = 1;
};

class WrongResult : public std::runtime_error {
 public:
  WrongResult() : std::runtime_error("the result is wrong") {}
};

/// A way of doing the work of a row. One of ours runs in the body of Application::run, which only
/// rank 0 runs; the others run on every rank, between MPI_Init and MPI_Finalize.
struct Contender {
  std::string row;
  std::string name;
  void (*run)(const Job&);
  bool startsMpi = false;  // by itself

  [[nodiscard]] bool isOurs() const { return name == "procession"; }
};

/// All ranks begin together, where all of them run the contender.
void meet(const Job& job);

/// On rank 0: a line for the script.
void printMilliseconds(std::chrono::duration<double> took);

/// Does the work once, and then as often as the job says with the time taken (wall clock, rank 0)
/// and printed. The first call is not measured: it starts workers, and touches memory that later
/// calls find there. Rank 0 checks all results; throws WrongResult.
template <class Work, class Matches>
void measure(const Job& job, Work work, Matches matches) {
  for (int repetition = -1; repetition < job.repetitions; ++repetition) {
    meet(job);
    const auto start = std::chrono::steady_clock::now();
    const auto result = work();
    const auto took = std::chrono::steady_clock::now() - start;
    if (job.rank != 0) {
      continue;
    }
    if (!matches(result)) {
      throw WrongResult();
    }
    if (repetition >= 0) {
      printMilliseconds(took);
    }
  }
}

/// One of the runs of items, as even as can be, that the ranks of a job share.
struct Share {
  std::size_t first = 0;
  std::size_t count = 0;
};
Share shareOf(const Job& job, std::size_t items, int rank);
/// The same for all ranks, as MPI's collective calls want it.
struct Shares {
  std::vector<int> counts;
  std::vector<int> firsts;
};
Shares allShares(const Job& job, std::size_t items);

// The contenders of each row of the table that tests/benchmark/run-mpi writes.
std::vector<Contender> mapContenders();
std::vector<Contender> lazySumContenders();
std::vector<Contender> smallMapContenders();
std::vector<Contender> farmContenders();
std::vector<Contender> unevenContenders();
std::vector<Contender> stringsContenders();
std::vector<Contender> lifeContenders();
std::vector<Contender> boostContenders();
// For tests/simulation.
std::vector<Contender> messageContenders();

}  // namespace procession::benchmarks
