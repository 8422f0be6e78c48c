#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace procession::benchmarks {

/// A value made when it is first asked for, shared by the copies of the handle: so that a run of
/// one row makes neither the data nor the workers of the others.
template <class Value>
class Lazy {
 public:
  explicit Lazy(std::function<Value()> make) : state_(std::make_shared<State>(std::move(make))) {}

  Value& operator*() const {
    if (!state_->value) {
      state_->value.reset(new Value(state_->make()));  // in place: a Value need not be movable
    }
    return *state_->value;
  }
  Value* operator->() const { return &**this; }

 private:
  struct State {
    explicit State(std::function<Value()> maker) : make(std::move(maker)) {}
    std::function<Value()> make;
    std::unique_ptr<Value> value;
  };
  std::shared_ptr<State> state_;
};

template <class Make>
auto lazily(Make make) {
  return Lazy<std::invoke_result_t<Make>>(std::move(make));
}

/// How many results so far were not what they should be.
int mismatchCount();
void reportMismatch(benchmark::State& state);

/// What has to be there around the measurements of a contender, made before them and ended after
/// them.
using Surroundings = std::function<std::shared_ptr<void>()>;

/// The threads of OpenMP, awake beforehand, gone afterwards: idle ones would spin for a while
/// beside whoever is measured next.
Surroundings openMpTeam(int threads);

/// Registers a contender of a row. `work` is called and timed (wall clock) once an iteration; what
/// becomes of its result, including freeing it, is not timed. `matches` tells whether the result is
/// right. The very first call is not measured: it starts workers and touches memory that later
/// calls find there.
template <class Work, class Matches>
void addContender(const std::string& name, Work work, Matches matches,
                  Surroundings surroundings = {}) {
  const auto run = [work = std::move(work), matches = std::move(matches),
                    surroundings = std::move(surroundings),
                    warm = false](benchmark::State& state) mutable {
    const std::shared_ptr<void> present = surroundings ? surroundings() : nullptr;
    if (!std::exchange(warm, true) && !matches(work())) {
      reportMismatch(state);
      return;
    }
    for (auto _ : state) {
      const auto start = std::chrono::steady_clock::now();
      const auto result = work();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      state.SetIterationTime(took.count());
      if (!matches(result)) {
        reportMismatch(state);
        break;
      }
    }
  };
  benchmark::RegisterBenchmark(name.c_str(), run)
      ->Iterations(1)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

}  // namespace procession::benchmarks
