#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "procession/detail/pool/fold.hpp"
#include "procession/detail/pool/items.hpp"
#include "procession/detail/pool/operations.hpp"
#include "procession/pool_options.hpp"
#include "procession/portable.hpp"

namespace procession {

namespace detail {

class PoolCore;

template <class Callback>
Callback& localOrSelf(Callback& callback) {
  return callback;
}
template <class Callback>
Callback& localOrSelf(LocalOnly<Callback>& callback) {
  return callback.callback;
}

}  // namespace detail

/// The results' type of `map`.
template <class Callback, class Items>
using MapResult = detail::ItemResult<Callback, detail::ItemOf<Items>>;

/// Worker processes that run callbacks on many items: forked once, reused by every operation,
/// replaced when they die.
///
///     ProcessPool pool(4);
///     auto squares = pool.map(std::vector{1, 2, 3}, [](int n) { return n * n; });  // {1, 4, 9}
///     auto sum = pool.reduce(squares, std::plus<>{}, 0);                           // 14
///
/// Callbacks run in the workers: what they write to memory stays there, only returned values come
/// back. They must be portable (portable.hpp) or localOnly. Under Application::run workers see
/// globals as they were when it began; without it, as they were when the pool was made. Inside a
/// worker, operations run serially in that worker.
///
/// All operations throw, for the failing item of lowest index among those known: TaskError (the
/// callback threw), WorkerLost (its process died), TaskTimeout; and Interrupted, SystemError,
/// PortabilityError, PayloadError. Whatever is thrown, no chunk is left running, dead workers are
/// replaced, and the pool stays usable; only after a SystemError that says so it does not.
///
/// A move-only handle; one that was moved from can only be destroyed or assigned. The destructor
/// ends the workers.
///
/// Thread safety: one operation at a time per pool; a second one is a std::logic_error.
class ProcessPool {
 public:
  /// As many workers as there are cores for this process.
  ProcessPool();
  /// Throws std::invalid_argument when `workerCount` is negative; 0: every core.
  explicit ProcessPool(int workerCount);
  /// Throws std::invalid_argument for an option that makes no sense, SystemError when no worker can
  /// be started.
  explicit ProcessPool(const PoolOptions& options);
  ProcessPool(ProcessPool&&) noexcept;
  ProcessPool& operator=(ProcessPool&&) noexcept;
  ~ProcessPool();

  /// Calls `callback` on every item, in parallel, and returns the results in the order of the
  /// items.
  ///
  ///     auto lengths = pool.map(names, [](const std::string& name) { return name.size(); });
  ///
  /// Complexity: n calls, O(n) values moved each way; no items, nothing started.
  template <ItemRange Items, class Callback>
  [[nodiscard]] auto map(const Items& items, Callback callback)
      -> std::vector<detail::NotVoid<MapResult<Callback, Items>>> {
    using Result = MapResult<Callback, Items>;
    detail::requirePoolCallback<Callback>();
    static_assert(!std::is_void_v<Result>,
                  "procession: the callback of map returns nothing; use each.");
    detail::requireCarriedResult<Result>();
    detail::MapOperation<Items, Callback> operation(items, callback);
    run(operation);
    return operation.takeResults();
  }

  /// map over tuples, whose elements become the arguments.
  ///
  ///     std::vector<std::pair<int, int>> pairs{{1, 2}, {3, 4}};
  ///     auto sums = pool.starmap(pairs, [](int a, int b) { return a + b; });  // {3, 7}
  template <ItemRange Items, class Callback>
  [[nodiscard]] auto starmap(const Items& items, Callback callback) {
    detail::requirePoolCallback<Callback>();
    using Starred = detail::Starred<Callback>;
    using Result = MapResult<Starred, Items>;
    static_assert(!std::is_void_v<Result>,
                  "procession: the callback of starmap returns nothing; use each.");
    detail::requireCarriedResult<Result>();
    const Starred starred{std::move(callback)};
    detail::MapOperation<Items, Starred> operation(items, starred);
    run(operation);
    return operation.takeResults();
  }

  /// The items for which `predicate` is true, in order. Only one bit an item travels back (sources
  /// return the items).
  ///
  ///     auto primes = pool.filter(std::views::iota(2, 1000), isPrime);
  template <ItemRange Items, class Predicate>
  [[nodiscard]] auto filter(const Items& items, Predicate predicate)
      -> std::vector<detail::ItemOf<Items>> {
    detail::requirePoolCallback<Predicate>();
    detail::FilterOperation<Items, Predicate> operation(items, predicate);
    run(operation);
    return operation.takeResults();
  }

  /// Combines all items by an associative operator: initial ∘ item 0 ∘ item 1 ∘ …
  ///
  ///     double sum = pool.reduce(values, std::plus<>{}, 0.0);
  ///
  /// Items are converted to the type of `initial`, which is applied exactly once, on the left. The
  /// order of evaluation is one fixed binary tree that depends on the item count (and
  /// PoolOptions::grain) alone, so floating-point results have the same bits for any number of
  /// workers. `op` runs in the workers, and in the parent on partial results.
  ///
  /// Complexity: n - 1 applications; one partial result a chunk travels back.
  template <ItemRange Items, class Operator, class Value>
  [[nodiscard]] Value reduce(const Items& items, Operator op, Value initial) {
    detail::requirePoolCallback<Operator>();
    using Step = detail::ReduceStep<Value, Operator>;
    return foldItems<Step>(items, typename Step::Parts{op}, op, std::move(initial));
  }

  /// Maps every item and combines the results, without keeping them: reduce(map(items, f), op,
  /// initial).
  ///
  ///     double norm = pool.mapReduce(values, [](double v) { return v * v; }, std::plus<>{}, 0.0);
  template <ItemRange Items, class Mapper, class Operator, class Value>
  [[nodiscard]] Value mapReduce(const Items& items, Mapper mapper, Operator op, Value initial) {
    detail::requirePoolCallback<Mapper>();
    detail::requirePoolCallback<Operator>();
    using Step = detail::MapReduceStep<Value, Mapper, Operator>;
    return foldItems<Step>(items, typename Step::Parts{mapper, op}, op, std::move(initial),
                           detail::isLocalOnly<Mapper>);
  }

  /// Folds items into an accumulator of another type: `fold(accumulator, item)` in the workers,
  /// `combine(accumulator, accumulator)` on partial results. `zero` is the identity of combine:
  /// every leaf of the fixed tree starts from it.
  ///
  ///     auto counts = pool.aggregate(lines, std::map<std::string, int>{}, countWords, addCounts);
  template <ItemRange Items, class Accumulator, class Fold, class Combine>
  [[nodiscard]] Accumulator aggregate(const Items& items, Accumulator zero, Fold fold,
                                      Combine combine) {
    detail::requirePoolCallback<Fold>();
    detail::requirePoolCallback<Combine>();
    using Step = detail::AggregateStep<Accumulator, Fold, Combine>;
    static_assert(std::is_invocable_r_v<Accumulator, decltype(detail::localOrSelf(combine)),
                                        Accumulator, Accumulator>,
                  "procession: combine must take two values of the type of `zero` and return one.");
    detail::requireCarriedResult<Accumulator>();
    if (detail::countItems(items) == 0) {
      return zero;
    }
    return foldNonEmpty<Step, Accumulator>(items, typename Step::Parts{zero, fold, combine},
                                           combine, detail::isLocalOnly<Fold>);
  }

  /// Calls `callback` on every item, for its effects outside of memory (files, a database).
  ///
  ///     pool.each(paths, [](const std::string& path) { compress(path); });
  template <ItemRange Items, class Callback>
  void each(const Items& items, Callback callback) {
    detail::requirePoolCallback<Callback>();
    detail::EachOperation<Items, Callback> operation(items, callback);
    run(operation);
  }

  /// Worker processes, as asked for or as many as could be started; 1 on the serial backend.
  [[nodiscard]] int getWorkerCount() const;
  /// Items done by all operations so far.
  [[nodiscard]] std::uint64_t getProcessedCount() const;
  /// Ends the workers now; every later operation is a std::logic_error. A second call does nothing.
  void shutdown();

 private:
  template <class Step, class Items, class Operator, class Value>
  Value foldItems(const Items& items, typename Step::Parts parts, Operator& op, Value initial,
                  bool localOnly = false) {
    static_assert(
        std::is_invocable_r_v<Value, decltype(detail::localOrSelf(op)), Value, Value>,
        "procession: the operator must take two values of the type of `initial` and return one.");
    detail::requireCarriedResult<Value>();
    if (detail::countItems(items) == 0) {
      return initial;
    }
    Value total = foldNonEmpty<Step, Value>(items, parts, op, localOnly);
    return detail::CheckedCombine(detail::localOrSelf(op))(std::move(initial), std::move(total));
  }

  template <class Step, class Accumulator, class Items, class Operator>
  Accumulator foldNonEmpty(const Items& items, typename Step::Parts parts, Operator& op,
                           bool localOnly) {
    auto& combine = detail::localOrSelf(op);
    using Combine = std::remove_reference_t<decltype(combine)>;
    detail::FoldOperation<Items, Accumulator, Step, Combine> operation(
        items, parts, combine, getGrain(), localOnly || detail::isLocalOnly<Operator>);
    run(operation);
    return operation.takeResult();
  }

  [[nodiscard]] std::size_t getGrain() const;
  void run(detail::Operation& operation);

  std::unique_ptr<detail::PoolCore> core_;  // null after a move
};

}  // namespace procession
