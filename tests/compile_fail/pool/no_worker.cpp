#include <procession/process_pool.hpp>
#include <vector>

#ifdef PROCESSION_CORRECT
struct Worker : procession::WorkerInterface<int, int> {
  int process(const int& job) override { return job; }
};
#else
struct Worker {
  int process(const int& job) { return job; }
};
#endif

void use(procession::ProcessPool& pool) {
  static_cast<void>(pool.process(std::vector{1, 2, 3}, Worker()));
}
