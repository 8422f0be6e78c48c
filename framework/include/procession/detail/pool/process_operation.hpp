#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "procession/detail/pool/fresh_worker.hpp"
#include "procession/detail/pool/operations.hpp"
#include "procession/worker_interface.hpp"

namespace procession::detail {

template <class Job, class Result>
struct WorkerTypes {
  using JobType = Job;
  using ResultType = Result;
};
template <class Job, class Result>
WorkerTypes<Job, Result> typesOf(const WorkerInterface<Job, Result>*);
void typesOf(const void*);

/// The job and the result of the WorkerInterface that `Worker` implements; void for other types.
template <class Worker>
using WorkerTypesOf = decltype(typesOf(static_cast<const Worker*>(nullptr)));

/// Made afresh in each process; nothing of the one that was given is sent.
template <class Worker>
concept FreshWorker = std::is_default_constructible_v<Worker> && !bringsSerialize<Worker>();

/// The one place where a user is told why a worker is refused.
template <class Worker, class Item>
consteval void requireWorker() {
  using Types = WorkerTypesOf<Worker>;
  static_assert(!std::is_void_v<Types>,
                "procession: the worker given to process must be a class that derives from "
                "WorkerInterface<Job, Result>.");
  static_assert(!std::is_abstract_v<Worker>,
                "procession: the worker given to process has a function that is not implemented: "
                "Result process(const Job&).");
  static_assert(
      FreshWorker<Worker> || bringsSerialize<Worker>(),
      "procession: the worker given to process cannot be made in another process: it has "
      "neither a default constructor nor a Boost `serialize` member. Give it both, so that "
      "what it is told before the work begins is carried, and nothing of what initialize() "
      "makes: template <class Archive> void serialize(Archive& archive, unsigned) {}");
  if constexpr (!std::is_void_v<Types>) {
    static_assert(std::is_convertible_v<const Item&, const typename Types::JobType&>,
                  "procession: the items given to process are not what the worker takes as jobs.");
    requireCarriedResult<typename Types::ResultType>();
  }
}

/// What of a worker is sent. Stands where other operations have their callback, but is never
/// called.
template <class Worker>
struct WorkerCall {
  const Worker& worker;

  // Without a body, unoptimized programs would miss it where types are deduced.
  typename WorkerTypesOf<Worker>::ResultType operator()(
      const typename WorkerTypesOf<Worker>::JobType&) {
    std::terminate();
  }
};

template <class Worker>
class ShippedCallback<WorkerCall<Worker>> {
 public:
  explicit ShippedCallback(PayloadReader& setup) : worker_(read(setup)) {}
  static void ship(PayloadWriter& setup, const WorkerCall<Worker>& call) {
    if constexpr (!FreshWorker<Worker>) {
      encode<Worker>(setup, call.worker);
    }
  }

  Worker& get() { return worker_; }

 private:
  static Worker read(PayloadReader& setup) {
    if constexpr (FreshWorker<Worker>) {
      return Worker();
    } else {
      return decode<Worker>(setup);
    }
  }

  Worker worker_;
};

/// One instance a process: set up before its first job, shut down at the operation's end.
template <class Items, class Worker>
class ProcessKernel final : public Kernel {
  using Types = WorkerTypesOf<Worker>;

 public:
  explicit ProcessKernel(PayloadReader& setup) : worker_(setup), items_(setup) {}

  std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView items,
                    PayloadWriter& results, ItemProgress progress) override {
    initialize();
    auto cursor = items_.load(first, count, items);
    WholeResults whole(results);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!progress.enter(first + i)) {
        return i;
      }
      const typename Types::JobType& job = cursor.next();
      encode<typename Types::ResultType>(results, interface().process(job));
      whole.keep();
    }
    return count;
  }

  void end() override {
    if (state_ == State::Initialized) {
      interface().shutdown();
    }
  }

 private:
  enum class State { Fresh, Initialized, Failed };

  WorkerInterface<typename Types::JobType, typename Types::ResultType>& interface() {
    return worker_.get();
  }

  /// Once, also when it throws: no job of the operation is done in this process then.
  void initialize() {
    if (state_ == State::Fresh) {
      try {
        interface().initialize();
        state_ = State::Initialized;
      } catch (...) {
        failure_ = std::current_exception();
        state_ = State::Failed;
      }
    }
    if (state_ == State::Failed) {
      std::rethrow_exception(failure_);
    }
  }

  ShippedCallback<WorkerCall<Worker>> worker_;
  ItemReader<Items> items_;
  State state_ = State::Fresh;
  std::exception_ptr failure_;  // of initialize()
};

/// map by a worker; jobs that fail for good get their result from its handleError().
template <class Items, class Worker>
class ProcessOperation final
    : public MapOperation<Items, WorkerCall<Worker>, ProcessKernel<Items, Worker>> {
  using Base = MapOperation<Items, WorkerCall<Worker>, ProcessKernel<Items, Worker>>;
  using Types = WorkerTypesOf<Worker>;

 public:
  /// All of it has to live as long as the operation. Throws PortabilityError.
  ProcessOperation(const Items& jobs, const WorkerCall<Worker>& call, Worker& worker)
      : Base(jobs, call, 0), worker_(worker) {  // jobs have no random streams
    if constexpr (FreshWorker<Worker>) {
      requireNoState(worker);
    }
  }

  [[nodiscard]] const char* name() const override { return "process"; }
  [[nodiscard]] Operation::Shape shape() const override {
    Operation::Shape shape = Base::shape();
    shape.awaitsEnds = true;
    shape.answersAtOnce = true;
    return shape;
  }
  [[nodiscard]] bool settles() const override { return true; }
  void itemFailed(std::uint64_t item, const std::exception_ptr& error) override {
    HeapPayload result;
    encode<typename Types::ResultType>(result, handleError(item, error));
    this->accept(item, 1, result.view());
  }

 private:
  typename Types::ResultType handleError(std::uint64_t item, const std::exception_ptr& error) {
    // As a worker reads it, so that a source's job is had in the same way.
    HeapPayload setup;
    describeItems(setup, this->items());
    PayloadReader description(setup.view());
    ItemReader<Items> reader(description);
    HeapPayload bytes;
    this->encodeItems(bytes, item, 1);
    auto cursor = reader.load(item, 1, bytes.view());
    const typename Types::JobType& job = cursor.next();
    WorkerInterface<typename Types::JobType, typename Types::ResultType>& worker = worker_;
    try {
      std::rethrow_exception(error);
    } catch (const Error& failure) {
      return worker.handleError(failure, job);
    }
  }

  Worker& worker_;
};

}  // namespace procession::detail
