#pragma once

#include <concepts>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "procession/detail/application/pool_lease.hpp"
#include "procession/fork_process.hpp"
#include "procession/process_manager.hpp"
#include "procession/process_pool.hpp"

namespace procession {

namespace detail {

/// Callables without parameters, one after the other: what Process::run takes.
template <class Tasks>
concept TaskRange = std::ranges::input_range<Tasks> && TaskCall<std::ranges::range_value_t<Tasks>>;

/// What stands for a task's result in a tuple, where nothing cannot stand.
template <class Callback>
using TupleElement =
    std::conditional_t<std::is_void_v<TaskResult<Callback>>, std::monostate, TaskResult<Callback>>;

template <class Result>
auto takeResult(const TaskOutcome& outcome) {
  if constexpr (std::is_void_v<Result>) {
    outcome.get<void>();
    return std::monostate{};
  } else {
    return outcome.get<Result>();
  }
}

}  // namespace detail

/// The short way to everything: one call, no objects to look after.
///
///     auto squares = Process::map(numbers, [](int n) { return n * n; });
///     auto [users, orders] = Process::run(loadUsers, loadOrders);
///
/// Under Application::run, map, filter and reduce keep their workers for the next call with the
/// same options; without it, each call forks fresh ones, which see the program's memory as it is at
/// the call.
///
/// Thread safety: every function may be called from any thread at any time.
struct Process {
  /// A new task queue; see process_manager.hpp.
  [[nodiscard]] static ProcessManager manager() { return ProcessManager(); }

  /// A new pool of workers; see process_pool.hpp.
  [[nodiscard]] static ProcessPool pool(PoolOptions options = {}) { return ProcessPool(options); }
  /// With that many workers; 0: one for each available core.
  [[nodiscard]] static ProcessPool pool(int workerCount) { return ProcessPool(workerCount); }

  /// Runs each of a range of callables in a process of its own, at most `maxConcurrent` at a time,
  /// and returns their results in the order of the callables; nothing for callables that return
  /// void.
  ///
  ///     std::vector<std::function<double()>> tasks = ...;
  ///     std::vector<double> results = Process::run(tasks, 8);
  ///
  /// The callables need not be portable: each process starts as a copy of this one. On the ranks of
  /// a job those that are run on all ranks; see process_manager.hpp. Throws what the first failed
  /// task, in their order, came to: TaskError, WorkerLost; Interrupted.
  template <detail::TaskRange Tasks>
  static auto run(Tasks&& tasks, int maxConcurrent = 4) {
    using Result = detail::TaskResult<std::ranges::range_value_t<Tasks>>;
    ProcessManager manager;
    for (auto&& task : tasks) {
      if constexpr (std::is_lvalue_reference_v<Tasks>) {
        manager.add(task);
      } else {
        manager.add(std::move(task));
      }
    }
    return manager.run<Result>(maxConcurrent);
  }

  /// Runs different callables at the same time, each in a process of its own, and returns their
  /// results as a tuple; std::monostate for one that returns void.
  ///
  ///     auto [count, name] = Process::run([] { return 3; }, [] { return std::string("three"); });
  ///
  /// All run to their end, also when one fails; then what the first failed one came to is thrown.
  template <class... Tasks>
    requires(sizeof...(Tasks) > 0) && (detail::TaskCall<Tasks> && ...)
  static auto run(Tasks&&... tasks) {
    ProcessManager manager;
    (manager.add(std::forward<Tasks>(tasks)), ...);
    const std::vector<TaskOutcome> outcomes = manager.run(static_cast<int>(sizeof...(Tasks)));
    auto next = outcomes.begin();
    // In braces, so that it goes from left to right.
    return std::tuple<detail::TupleElement<Tasks>...>{
        detail::takeResult<detail::TaskResult<Tasks>>(*next++)...};
  }

  /// Calls `callback` on every item, in parallel, and returns the results in the order of the
  /// items; see ProcessPool::map.
  template <ItemRange Items, class Callback>
  [[nodiscard]] static auto map(const Items& items, Callback callback,
                                const PoolOptions& options = {}) {
    return detail::PoolLease(options)->map(items, std::move(callback));
  }

  /// The items for which `predicate` is true, in their order; see ProcessPool::filter.
  template <ItemRange Items, class Predicate>
  [[nodiscard]] static auto filter(const Items& items, Predicate predicate,
                                   const PoolOptions& options = {}) {
    return detail::PoolLease(options)->filter(items, std::move(predicate));
  }

  /// All items combined by `operation`, an associative function, with `initial` on the left; see
  /// ProcessPool::reduce.
  ///
  ///     double sum = Process::reduce(values, std::plus<>(), 0.0);
  template <ItemRange Items, class Operation, class Initial>
    requires(!std::same_as<Initial, PoolOptions>)
  [[nodiscard]] static auto reduce(const Items& items, Operation operation, Initial initial,
                                   const PoolOptions& options = {}) {
    return detail::PoolLease(options)->reduce(items, std::move(operation), std::move(initial));
  }

  /// The same without an initial value: the first item takes its place. Throws
  /// std::invalid_argument when there is no item.
  template <ItemRange Items, class Operation>
    requires std::ranges::random_access_range<const Items>
  [[nodiscard]] static auto reduce(const Items& items, Operation operation,
                                   const PoolOptions& options = {}) {
    if (std::ranges::empty(items)) {
      throw std::invalid_argument("Process::reduce of no items needs an initial value");
    }
    std::ranges::range_value_t<const Items> first = *std::ranges::begin(items);
    return reduce(std::views::drop(items, 1), std::move(operation), std::move(first), options);
  }

  /// A process of its own for callback(args...), not started yet; see fork_process.hpp.
  template <class Callback, class... Arguments>
    requires detail::TaskCall<Callback, Arguments...>
  [[nodiscard]] static auto fork(Callback&& callback, Arguments&&... arguments) {
    return ForkProcess<detail::TaskResult<Callback, Arguments...>>(
        std::forward<Callback>(callback), std::forward<Arguments>(arguments)...);
  }

  /// True where processes can be forked; elsewhere PROCESSION_BACKEND=serial runs everything in
  /// this one.
  [[nodiscard]] static bool isSupported();

  /// The cores this process may use: the least of its affinity mask, the quota of its control
  /// groups (containers), and Slurm's share for this task. At least 1.
  [[nodiscard]] static int getCpuCores();
};

}  // namespace procession
