#include "pool/operation_loop.hpp"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <limits>
#include <utility>

#include "backend/operation_runner.hpp"
#include "procession/error.hpp"

namespace procession::detail {

namespace {

// A chunk's bytes should fit a core's cache, with its results, so that every byte is copied from
// there.
constexpr std::size_t kChunkBytes = std::size_t{512} << 10;
// Reductions hold back while this much waits for its neighbours.
constexpr std::size_t kMostWaitingBytes = std::size_t{256} << 20;
// Callbacks of a failed operation may finish their item; then they are told to stop, then made to.
constexpr Time kPatience = std::chrono::milliseconds(500);
constexpr Time kGrace = std::chrono::seconds(2);
// A worker that somebody terminated: perhaps all of us are being stopped, and it heard first.
constexpr int kStopHeardWithin = 200;  // ms
// Values bound to a callback that workers may keep until the next operation.
constexpr std::size_t kSmallSetup = std::size_t{64} << 10;
constexpr int kMostIdleLosses = 16;

std::uint64_t nextOperationId() {
  static std::atomic<std::uint64_t> id = 0;  // pools may work in several threads
  return ++id;
}

std::uint64_t mostChunkItems(const Operation::Shape& shape, std::size_t chunkSize) {
  if (chunkSize != 0) {
    return std::max<std::uint64_t>(chunkSize, shape.leafItems);
  }
  const std::size_t bytes = std::max(shape.itemBytes, shape.resultBytes);
  if (bytes == 0) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return std::max<std::uint64_t>(kChunkBytes / bytes, shape.leafItems);
}

SchedulerOptions toSchedulerOptions(const Operation::Shape& shape, const PoolOptions& options) {
  SchedulerOptions scheduler;
  scheduler.leafItems = shape.leafItems;
  scheduler.wholeNodes = shape.wholeNodes;
  scheduler.maxChunkItems = mostChunkItems(shape, options.chunkSize);
  scheduler.retries = options.retries;
  scheduler.timeout = options.timeout;
  return scheduler;
}

std::optional<Time> toSteadyTime(
    const std::optional<std::chrono::system_clock::time_point>& deadline) {
  using Clock = std::chrono::system_clock;
  if (!deadline || *deadline == Clock::time_point::max()) {
    return std::nullopt;
  }
  const Clock::time_point now = Clock::now();
  return *deadline <= now ? steadyNow()
                          : steadyNow() + std::chrono::duration_cast<Time>(*deadline - now);
}

}  // namespace

OperationLoop::OperationLoop(Backend& backend, Operation& operation, const PoolOptions& options)
    : backend_(backend),
      operation_(operation),
      options_(options),
      shape_(operation.shape()),
      mostItems_(mostChunkItems(shape_, options.chunkSize)),
      scheduler_(toSchedulerOptions(shape_, options)),
      encoder_([this](PayloadWriter& writer, std::uint64_t first, std::uint64_t count) {
        operation_.encodeItems(writer, first, count);
        limitChunks(writer.size(), count);
      }),
      watch_(options.timeout),
      deadline_(toSteadyTime(options.deadline)) {}

void OperationLoop::run() {
  HeapPayload setup;
  writeFactory(setup, operation_.kernel());
  operation_.describe(setup);
  scheduler_.addItems(0, shape_.items);
  scheduler_.closeItems();
  backend_.begin(
      {nextOperationId(), setup.view(), shape_.readsSource || setup.size() > kSmallSetup}, *this);
  drive();
  backend_.end();
  if (error_ != nullptr) {
    std::rethrow_exception(error_);
  }
  if (!failures_.empty()) {
    std::rethrow_exception(failures_.begin()->second);
  }
}

void OperationLoop::drive() {
  while (true) {
    try {
      performActions();
    } catch (...) {
      fail(std::current_exception());  // an item could not be encoded
      continue;
    }
    if (scheduler_.isFinished()) {
      return;
    }
    backend_.wait(nextWakeUp(), signals_.getDescriptor(), *this);
    lookAtSignals();
    lookAtTheClock();
  }
}

void OperationLoop::performActions() {
  scheduler_.hold(operation_.waitingBytes() > kMostWaitingBytes && !flights_.empty());
  const Time now = steadyNow();
  while (const std::optional<Scheduler::Action> action = scheduler_.nextAction(now)) {
    perform(*action);
  }
}

void OperationLoop::perform(const Scheduler::Action& action) {
  switch (action.type) {
    case Scheduler::Action::Type::Assign:
      assign(action);
      break;
    case Scheduler::Action::Type::Recall:
      backend_.recall(action.worker, action.chunk.id, *this);
      break;
    case Scheduler::Action::Type::Kill:
      killed_[action.worker] = action.item;
      backend_.signal(action.worker, SIGKILL);
      break;
    case Scheduler::Action::Type::Fail:
      recordFailure(action);
      break;
  }
}

void OperationLoop::assign(const Scheduler::Action& action) {
  flights_[action.chunk.id] = {action.worker, action.chunk};
  try {
    backend_.send(action.worker, action.chunk, encoder_);
  } catch (...) {
    flights_.erase(action.chunk.id);
    scheduler_.chunkAborted(action.worker, action.chunk.id, steadyNow());
    throw;
  }
}

void OperationLoop::recordFailure(const Scheduler::Action& action) {
  std::exception_ptr error = attempts_[action.item];
  if (error == nullptr) {
    error = lastLoss_;
  }
  failures_.emplace(action.item, error);
  cancel();
}

void OperationLoop::workerReady(int worker, int capacity) {
  scheduler_.addWorker(worker, capacity, steadyNow());
}

void OperationLoop::chunkDone(int worker, std::uint64_t chunk, Time busy, ByteView results) {
  const auto flight = flights_.find(chunk);
  if (flight == flights_.end()) {
    throw PayloadError(
        "malformed message from another process: an answer to a chunk that is not in flight");
  }
  idleLosses_ = 0;
  try {
    operation_.accept(flight->second.chunk.first, flight->second.chunk.count, results);
  } catch (...) {
    fail(std::current_exception());
  }
  limitChunks(results.size(), flight->second.chunk.count);
  flights_.erase(flight);
  scheduler_.chunkDone(worker, chunk, busy, steadyNow());
}

void OperationLoop::limitChunks(std::size_t bytes, std::uint64_t items) {
  if (options_.chunkSize != 0 || shape_.wholeNodes || bytes <= kChunkBytes) {
    return;
  }
  const std::uint64_t most = std::max<std::uint64_t>(1, kChunkBytes * items / bytes);
  if (most < mostItems_) {
    mostItems_ = most;
    scheduler_.limitChunkItems(most);
  }
}

void OperationLoop::chunkThrew(int worker, std::uint64_t chunk, std::optional<std::uint64_t> item,
                               std::vector<ExceptionInfo> chain, Origin origin) {
  idleLosses_ = 0;
  flights_.erase(chunk);
  watch_.forget(worker);
  auto error = std::make_exception_ptr(TaskError(std::move(chain), std::move(origin)));
  if (item) {
    attempts_[*item] = std::move(error);
    scheduler_.itemFailed(worker, chunk, *item, steadyNow());
  } else {
    scheduler_.chunkAborted(worker, chunk, steadyNow());
    fail(std::move(error));
  }
}

void OperationLoop::chunkAborted(int worker, std::uint64_t chunk) {
  flights_.erase(chunk);
  scheduler_.chunkAborted(worker, chunk, steadyNow());
}

void OperationLoop::recallAnswered(int worker, std::uint64_t chunk, bool recalled) {
  if (recalled) {
    flights_.erase(chunk);
    scheduler_.recalled(worker, chunk, steadyNow());
  } else {
    scheduler_.recallRefused(worker, chunk, steadyNow());
  }
}

void OperationLoop::workerLost(int worker, std::optional<std::uint64_t> begun, ProcessStatus status,
                               Origin origin) {
  if (status.getSignal() == SIGTERM && !scheduler_.isCancelled()) {
    pollfd stop{signals_.getDescriptor(), POLLIN, 0};
    if (poll(&stop, 1, kStopHeardWithin) > 0) {
      lookAtSignals();
    }
  }
  watch_.forget(worker);
  const bool blame = begun.has_value() && !scheduler_.isCancelled();
  for (auto flight = flights_.begin(); flight != flights_.end();) {
    if (flight->second.worker != worker) {
      ++flight;
      continue;
    }
    if (!blame || flight->first != *begun) {
      scheduler_.chunkAborted(worker, flight->first, steadyNow());
    }
    flight = flights_.erase(flight);
  }
  std::optional<std::uint64_t> item;
  const auto timedOut = killed_.find(worker);
  if (blame) {
    item = timedOut != killed_.end() ? std::optional(timedOut->second) : origin.item;
    origin.item = item;
    lastLoss_ = timedOut != killed_.end()
                    ? std::make_exception_ptr(TaskTimeout(options_.timeout, origin))
                    : std::make_exception_ptr(WorkerLost(status, origin));
    if (item) {
      attempts_[*item] = lastLoss_;
    }
  } else if (!scheduler_.isCancelled() && status.hasEnded() && ++idleLosses_ > kMostIdleLosses) {
    fail(std::make_exception_ptr(SystemError(
        "workers end before they begin any work (the last one " + status.describe() + ")", 0)));
  }
  scheduler_.workerLost(worker, item, timedOut != killed_.end(), steadyNow());
  killed_.erase(worker);
}

void OperationLoop::lookAtSignals() {
  if (signals_.getCount() == signalsSeen_) {
    return;
  }
  signals_.acknowledge();
  const bool again = signalsSeen_ > 0;
  signalsSeen_ = signals_.getCount();
  const int signal = signals_.getSignal().value_or(SIGTERM);
  fail(std::make_exception_ptr(Interrupted("interrupted by " + signalName(signal) + " after " +
                                               std::to_string(scheduler_.doneItems()) + " of " +
                                               std::to_string(shape_.items) + " items",
                                           signal)));
  if (again || signalsSeen_ > 1) {
    signalWorkers(SIGKILL);
  } else {
    signalWorkers(SIGTERM);
    terminateAt_.reset();
    killAt_ = steadyNow() + kGrace;
  }
}

void OperationLoop::lookAtTheClock() {
  const Time now = steadyNow();
  if (deadline_ && now >= *deadline_) {
    deadline_.reset();
    fail(std::make_exception_ptr(Interrupted("the deadline came after " +
                                             std::to_string(scheduler_.doneItems()) + " of " +
                                             std::to_string(shape_.items) + " items")));
  }
  if (terminateAt_ && now >= *terminateAt_) {
    terminateAt_.reset();
    killAt_ = now + kGrace;
    signalWorkers(SIGTERM);
  }
  if (killAt_ && now >= *killAt_) {
    killAt_.reset();
    signalWorkers(SIGKILL);
  }
  if (watch_.isDue(now)) {
    watch_.look(now);
    for (const auto& [id, flight] : flights_) {
      if (const std::optional<std::uint64_t> item = backend_.currentItem(flight.worker)) {
        scheduler_.observed(flight.worker, *item, watch_.since(flight.worker, *item, now), now);
      }
    }
  }
}

std::optional<Time> OperationLoop::nextWakeUp() const {
  std::optional<Time> earliest;
  for (const std::optional<Time>& time : {watch_.nextLook(), deadline_, terminateAt_, killAt_}) {
    if (time && (!earliest || *time < *earliest)) {
      earliest = time;
    }
  }
  return earliest;
}

void OperationLoop::fail(std::exception_ptr error) {
  if (error_ == nullptr) {
    error_ = std::move(error);
  }
  cancel();
}

void OperationLoop::cancel() {
  if (!terminateAt_ && !killAt_) {
    terminateAt_ = steadyNow() + kPatience;
  }
  scheduler_.cancel();
  backend_.stop();
}

void OperationLoop::signalWorkers(int signal) {
  std::vector<int> workers;
  for (const auto& [id, flight] : flights_) {
    if (std::find(workers.begin(), workers.end(), flight.worker) == workers.end()) {
      workers.push_back(flight.worker);
      backend_.signal(flight.worker, signal);
    }
  }
}

}  // namespace procession::detail
