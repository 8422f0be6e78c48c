#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "mpi/job.hpp"
#include "procession/process_pool.hpp"

// Programs that do nothing: the script takes their time from outside.

namespace procession::benchmarks {

namespace {

void doNothing(const Job&) {}

/// Between the two lines the parent sleeps; all ranks have workers, which have worked.
void sleepWithIdleWorkers(const Job& job) {
  ProcessPool pool(job.workers);
  const std::vector<int> items(static_cast<std::size_t>(job.workers) * 8, 1);
  if (pool.reduce(
          items, [](int a, int b) { return a + b; }, 0) != job.workers * 8) {
    throw WrongResult();
  }
  std::cout << "asleep" << std::endl;
  std::this_thread::sleep_for(job.tiny ? std::chrono::milliseconds(200) : std::chrono::seconds(10));
  std::cout << "awake" << std::endl;
  std::string line;
  std::getline(std::cin, line);  // the script has looked at all processes
}

}  // namespace

std::vector<Contender> lifeContenders() {
  return {{"start", "procession", doNothing},
          {"start", "raw", doNothing},
          {"idle", "procession", sleepWithIdleWorkers}};
}

}  // namespace procession::benchmarks
