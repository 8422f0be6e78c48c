#include "contender.hpp"

#include <omp.h>

namespace procession::benchmarks {

namespace {

int mismatches = 0;

}  // namespace

int mismatchCount() { return mismatches; }

void reportMismatch(benchmark::State& state) {
  ++mismatches;
  state.SkipWithError("the result is wrong");
}

Surroundings openMpTeam(int threads) {
  return [threads]() -> std::shared_ptr<void> {
    int awake = 0;
#pragma omp parallel num_threads(threads) reduction(+ : awake)
    awake += 1;
    return {nullptr, [](void*) { omp_pause_resource_all(omp_pause_soft); }};
  };
}

}  // namespace procession::benchmarks
