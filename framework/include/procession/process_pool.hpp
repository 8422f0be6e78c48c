#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "procession/detail/pool/fold.hpp"
#include "procession/detail/pool/items.hpp"
#include "procession/detail/pool/operations.hpp"
#include "procession/detail/pool/process_operation.hpp"
#include "procession/detail/pool/settle.hpp"
#include "procession/detail/pool/submission.hpp"
#include "procession/detail/pool/unordered_operation.hpp"
#include "procession/future.hpp"
#include "procession/outcome.hpp"
#include "procession/pool_options.hpp"
#include "procession/portable.hpp"
#include "procession/random.hpp"
#include "procession/unordered_results.hpp"

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
/// Callbacks that take a `Random&` after the item (random.hpp) get the item's own stream of random
/// numbers, selected by PoolOptions::seed and the item's index; those that can be called with the
/// item alone, as `[](auto... all)` can, get none. All operations of a pool give an item of the
/// same index the same stream.
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
    detail::MapOperation<Items, Callback> operation(items, callback, getSeed());
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
    detail::MapOperation<Items, Starred> operation(items, starred, getSeed());
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
    detail::FilterOperation<Items, Predicate> operation(items, predicate, getSeed());
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
    using Step = detail::MapReduceStep<Value, Mapper, Operator, detail::ItemOf<Items>>;
    return foldItems<Step>(items, typename Step::Parts{mapper, op, getSeed()}, op,
                           std::move(initial), detail::isLocalOnly<Mapper>);
  }

  /// Folds items into an accumulator of another type: `fold(accumulator, item)` in the workers,
  /// `combine(accumulator, accumulator)` on partial results. `zero` is the identity of combine:
  /// every leaf of the fixed tree starts from it. `fold` may take a `Random&` as well, the last.
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
    return foldNonEmpty<Step, Accumulator>(items,
                                           typename Step::Parts{zero, fold, combine, getSeed()},
                                           combine, detail::isLocalOnly<Fold>);
  }

  /// Calls `callback` on every item, for its effects outside of memory (files, a database).
  ///
  ///     pool.each(paths, [](const std::string& path) { compress(path); });
  ///
  /// Which items may be done more than once, see process.
  template <ItemRange Items, class Callback>
  void each(const Items& items, Callback callback) {
    detail::requirePoolCallback<Callback>();
    detail::EachOperation<Items, Callback> operation(items, callback, getSeed());
    run(operation);
  }

  /// map that one bad item does not end: an Outcome an item, in the order of the items, never
  /// fewer. It holds what the callback returned, or the error in its place: TaskError, WorkerLost,
  /// TaskTimeout; and how often the item was tried, how long the last attempt took, and where.
  ///
  ///     for (const Outcome<Image>& outcome : pool.mapSettled(paths, readImage)) {
  ///       if (outcome) show(*outcome);
  ///       else std::cerr << outcome.error().what() << '\n';
  ///     }
  ///
  /// Callbacks that return nothing give Outcome<void>. PoolOptions' retries and timeout count for
  /// each item. An item's duration is that of its callback and of decoding and encoding what it
  /// takes and returns; of an attempt that took its process down, until that was noticed.
  ///
  /// When the deadline comes, nothing that is done is lost: items that were not begun have an
  /// Interrupted and 0 attempts; those that were cut off an Interrupted, and no host; those that
  /// were to be tried again what the last attempt brought.
  ///
  /// Throws what is no item's: Interrupted for a signal, SystemError, PortabilityError;
  /// PayloadError for an item that cannot be encoded, and a result that cannot be decoded.
  ///
  /// Complexity: as map, and two readings of the clock for each short chunk, one for each item; an
  /// item that throws costs no more than the throw unless it is tried again.
  template <ItemRange Items, class Callback>
  [[nodiscard]] auto mapSettled(const Items& items, Callback callback)
      -> std::vector<Outcome<MapResult<Callback, Items>>> {
    using Result = MapResult<Callback, Items>;
    detail::requirePoolCallback<Callback>();
    if constexpr (!std::is_void_v<Result>) {
      detail::requireCarriedResult<Result>();
    }
    detail::SettleOperation<Items, Callback> operation(items, callback, getSeed(), getRetries());
    run(operation);
    return operation.takeOutcomes();
  }

  /// Has every job done by a worker object that is set up once in each process, and returns the
  /// results in the order of the jobs.
  ///
  ///     auto smaller = pool.process(images, Resize(800));
  ///
  /// Each worker process that gets jobs has a copy of `worker` of its own. What happens to it, and
  /// to jobs that fail, see WorkerInterface. Of `worker` only what its
  /// `serialize` member carries is sent; without one, nothing.
  ///
  /// A job is done once, with two exceptions: one that fails is tried again as often as
  /// PoolOptions::retries says, and a process that dies takes with it what it had done of its
  /// chunk, which is done again (with a chunkSize of 1 that is nothing). A job that throws has no
  /// other done again.
  ///
  /// Throws what handleError() throws: by default the failure of the job, as map does. A throwing
  /// initialize() is a TaskError without an item, and ends the operation. A worker that holds data,
  /// of a class that cannot carry any, is a PortabilityError.
  template <ItemRange Jobs, class Worker>
  [[nodiscard]] auto process(const Jobs& jobs, Worker&& worker) {
    using Type = std::remove_cvref_t<Worker>;
    detail::requireWorker<Type, detail::ItemOf<Jobs>>();
    if constexpr (std::is_const_v<std::remove_reference_t<Worker>>) {
      return process(jobs, Type(worker));  // handleError() may change it
    } else {
      const detail::WorkerCall<Type> call{worker};
      detail::ProcessOperation<Jobs, Type> operation(jobs, call, worker);
      run(operation);
      return operation.takeResults();
    }
  }

  /// Calls `callback` on every item and hands out the results as they come, in the order in which
  /// they are done: for more results than fit into memory, or to begin with the first ones.
  ///
  ///     for (auto& [index, value] : pool.mapUnordered(paths, measure)) { ... }
  ///
  /// Items that are no temporary (and no view) have to live as long as the range. The pool takes no
  /// other operation while the range lives, and goes on when it is asked for the next result: time
  /// limits and signals are looked at then. Failures are thrown by the range's begin() and ++,
  /// after the results that came before them; see UnorderedResults.
  ///
  /// Memory: the results of the chunks that workers have, some per worker of at most about 512 KiB
  /// each, or PoolOptions::chunkSize items.
  template <class Items, class Callback>
    requires ItemRange<std::remove_cvref_t<Items>>
  [[nodiscard]] auto mapUnordered(Items&& items, Callback callback)
      -> UnorderedResults<detail::NotVoid<MapResult<Callback, std::remove_cvref_t<Items>>>> {
    using Result = MapResult<Callback, std::remove_cvref_t<Items>>;
    detail::requirePoolCallback<Callback>();
    static_assert(!std::is_void_v<Result>,
                  "procession: the callback of mapUnordered returns nothing; use each.");
    detail::requireCarriedResult<Result>();
    auto stream = std::make_unique<detail::UnorderedStream<Result>>();
    stream->operation = std::make_unique<detail::UnorderedOperation<Items, Callback>>(
        std::forward<Items>(items), std::move(callback), stream->results, getSeed());
    stream->running = start(*stream->operation);
    return UnorderedResults<Result>(std::move(stream));
  }

  /// Hands one call to the workers and returns at once; the future gives its result.
  ///
  ///     Future<double> area = pool.submit(integrate, 0.0, 1.0);
  ///     ...
  ///     std::cout << area.get();
  ///
  /// The callback must be portable, and arguments and result values that can be carried. Workers
  /// are given calls at once while they wait for some; when there are many, in batches. They get
  /// more whenever the pool or one of its futures is used; every other operation first completes
  /// what was submitted. On the serial backend calls are made when a future is asked.
  /// A failed call ends no other. PoolOptions' retries and timeout count for each.
  ///
  /// Complexity: a microsecond or two for each of many small calls.
  template <class Callback, class... Arguments>
  [[nodiscard]] auto submit(Callback callback, Arguments... arguments)
      -> Future<detail::SubmissionResult<Callback, Arguments...>> {
    using Result = detail::SubmissionResult<Callback, Arguments...>;
    detail::requireSubmission<Callback, Arguments...>();
    if constexpr (!std::is_void_v<Result>) {
      detail::requireCarriedResult<Result>();
    }
    detail::PayloadWriter& call = detail::beginCall();
    detail::encodeSubmission(call, callback, arguments...);
    return Future<Result>(enqueue(call.view()));
  }

  /// The futures in the order in which they become ready; see asCompleted in future.hpp.
  template <class Futures>
  [[nodiscard]] static auto asCompleted(Futures& futures) {
    return procession::asCompleted(futures);
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
  [[nodiscard]] std::uint64_t getSeed() const;
  [[nodiscard]] int getRetries() const;
  void run(detail::Operation& operation);
  [[nodiscard]] std::unique_ptr<detail::RunningOperation> start(detail::Operation& operation);
  [[nodiscard]] std::shared_ptr<detail::Submission> enqueue(detail::ByteView call);

  std::unique_ptr<detail::PoolCore> core_;  // null after a move
};

}  // namespace procession
