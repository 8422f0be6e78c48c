#include "pool/chunk_driver.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <limits>
#include <string>
#include <utility>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

// A chunk's bytes should fit a core's cache, with its results, so that every byte is copied from
// there.
constexpr std::size_t kChunkBytes = std::size_t{512} << 10;
// What an agent gets at once is for all its workers; but it should not wait long for it.
constexpr std::size_t kAgentChunkBytes = std::size_t{32} << 20;
// Reductions hold back while this much waits for its neighbours.
constexpr std::size_t kMostWaitingBytes = std::size_t{256} << 20;
// Callbacks of a failed operation may finish their item; then they are told to stop, then made to.
constexpr Time kPatience = std::chrono::milliseconds(500);
constexpr int kMostIdleLosses = 16;

std::size_t chunkBytesFor(const Backend& backend) {
  return std::min(kChunkBytes * static_cast<std::size_t>(backend.capacity()),
                  std::max(kChunkBytes, kAgentChunkBytes));
}

std::uint64_t mostChunkItems(const OperationPlan& plan, std::size_t chunkBytes, int capacity) {
  const OperationShape& shape = plan.shape;
  if (plan.chunkSize != 0) {
    const auto capacities = static_cast<std::uint64_t>(capacity);
    const bool isHuge = plan.chunkSize > std::numeric_limits<std::uint64_t>::max() / capacities;
    return std::max<std::uint64_t>(isHuge ? plan.chunkSize : plan.chunkSize * capacities,
                                   shape.leafItems);
  }
  const std::size_t bytes = std::max(shape.itemBytes, shape.resultBytes);
  if (bytes == 0) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return std::max<std::uint64_t>(chunkBytes / bytes, shape.leafItems);
}

SchedulerOptions toSchedulerOptions(const OperationPlan& plan, const Backend& backend,
                                    std::uint64_t mostItems) {
  SchedulerOptions scheduler;
  scheduler.leafItems = plan.shape.leafItems;
  scheduler.wholeNodes = plan.shape.wholeNodes;
  scheduler.maxChunkItems = mostItems;
  // Agents try again by themselves, and keep the time: what they report has failed for good.
  scheduler.retries = backend.isOfAgents() ? 0 : plan.retries;
  scheduler.timeout = backend.isOfAgents() ? Time{0} : plan.timeout;
  return scheduler;
}

}  // namespace

std::uint64_t nextOperationId() {
  static std::atomic<std::uint64_t> id = 0;  // pools may work in several threads
  return ++id;
}

ChunkDriver::ChunkDriver(Backend& backend, Owner& owner, const OperationPlan& plan)
    : backend_(backend),
      owner_(owner),
      plan_(plan),
      chunkBytes_(chunkBytesFor(backend)),
      mostItems_(mostChunkItems(plan, chunkBytes_, backend.capacity())),
      scheduler_(toSchedulerOptions(plan, backend, mostItems_)),
      encoder_([this](PayloadWriter& writer, std::uint64_t first, std::uint64_t count) {
        const std::size_t before = writer.size();
        owner_.encodeItems(writer, first, count);
        limitChunks(writer.size() - before, count);
      }),
      watch_(backend.isOfAgents() ? Time{0} : plan.timeout) {}

void ChunkDriver::begin(std::uint64_t operation, ByteView setup) {
  // Values bound to a callback that workers may keep until the next operation.
  constexpr std::size_t kSmallSetup = std::size_t{64} << 10;
  backend_.begin({.id = operation,
                  .bytes = setup,
                  .holdsResources = plan_.shape.readsSource || setup.size() > kSmallSetup,
                  .plan = plan_},
                 *this);
}

void ChunkDriver::step(std::optional<Time> until, int wakeUp) {
  try {
    performActions();
  } catch (...) {
    fail(std::current_exception());  // an item could not be encoded
    return;
  }
  if (scheduler_.isFinished()) {
    return;
  }
  backend_.wait(earlier(until, nextWakeUp()), wakeUp, *this);
  lookAtTheClock();
}

void ChunkDriver::performActions() {
  scheduler_.hold(owner_.waitingBytes() > kMostWaitingBytes && !flights_.empty());
  const Time now = steadyNow();
  while (const std::optional<Scheduler::Action> action = scheduler_.nextAction(now)) {
    perform(*action);
  }
}

void ChunkDriver::perform(const Scheduler::Action& action) {
  ++eventCount_;
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

void ChunkDriver::assign(const Scheduler::Action& action) {
  flights_[action.chunk.id] = {action.worker, action.chunk};
  try {
    backend_.send(action.worker, action.chunk, encoder_);
  } catch (...) {
    flights_.erase(action.chunk.id);
    scheduler_.chunkAborted(action.worker, action.chunk.id, steadyNow());
    throw;
  }
  owner_.handedOut(action.chunk);
}

void ChunkDriver::recordFailure(const Scheduler::Action& action) {
  const std::exception_ptr error = attempts_[action.item];
  owner_.itemFailed(action.item, error == nullptr ? lastLoss_ : error);
  cancel();
}

void ChunkDriver::workerReady(int worker, int capacity) {
  scheduler_.addWorker(worker, capacity, steadyNow());
}

void ChunkDriver::accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) {
  try {
    owner_.accept(first, count, busy, results);
  } catch (...) {
    fail(std::current_exception());
  }
}

void ChunkDriver::partDone(int, std::uint64_t first, std::uint64_t count, ByteView results) {
  accept(first, count, Time{0}, results);
}

void ChunkDriver::chunkDone(int worker, std::uint64_t chunk, Time busy, ByteView results) {
  const auto flight = flights_.find(chunk);
  if (flight == flights_.end()) {
    throw PayloadError(
        "malformed message from another process: an answer to a chunk that is not in flight");
  }
  ++eventCount_;
  idleLosses_ = 0;
  const Chunk done = flight->second.chunk;
  flights_.erase(flight);
  if (!backend_.isOfAgents()) {
    accept(done.first, done.count, busy, results);
    limitChunks(results.size(), done.count);
  }
  scheduler_.chunkDone(worker, chunk, busy, steadyNow());
}

void ChunkDriver::limitChunks(std::size_t bytes, std::uint64_t items) {
  if (plan_.chunkSize != 0 || plan_.shape.wholeNodes || bytes <= chunkBytes_) {
    return;
  }
  const std::uint64_t most = std::max<std::uint64_t>(1, chunkBytes_ * items / bytes);
  if (most < mostItems_) {
    mostItems_ = most;
    scheduler_.limitChunkItems(most);
  }
}

void ChunkDriver::chunkThrew(int worker, std::uint64_t chunk, std::optional<std::uint64_t> item,
                             std::vector<ExceptionInfo> chain, Origin origin) {
  ++eventCount_;
  idleLosses_ = 0;
  flights_.erase(chunk);
  watch_.forget(worker);
  auto error = std::make_exception_ptr(TaskError(std::move(chain), std::move(origin)));
  if (item) {
    attempts_[*item] = std::move(error);
    scheduler_.itemFailed(worker, chunk, *item, steadyNow());
  } else {
    scheduler_.chunkAborted(worker, chunk, steadyNow());
    fail(error);
  }
}

void ChunkDriver::itemFailed(int, std::uint64_t item, std::exception_ptr error) {
  ++eventCount_;
  owner_.itemFailed(item, error);
  cancel();
}

void ChunkDriver::operationFailed(int, std::exception_ptr error) {
  ++eventCount_;
  fail(error);
}

void ChunkDriver::chunkPassedOn(int worker, std::uint64_t chunk) {
  ++eventCount_;
  scheduler_.chunkPassedOn(worker, chunk, steadyNow());
}

void ChunkDriver::chunkAborted(int worker, std::uint64_t chunk) {
  ++eventCount_;
  flights_.erase(chunk);
  scheduler_.chunkAborted(worker, chunk, steadyNow());
}

void ChunkDriver::recallAnswered(int worker, std::uint64_t chunk, bool recalled) {
  ++eventCount_;
  if (recalled) {
    flights_.erase(chunk);
    scheduler_.recalled(worker, chunk, steadyNow());
  } else {
    scheduler_.recallRefused(worker, chunk, steadyNow());
  }
}

void ChunkDriver::workerLost(int worker, std::optional<std::uint64_t> begun, ProcessStatus status,
                             Origin origin) {
  ++eventCount_;
  if (status.getSignal() == SIGTERM && !scheduler_.isCancelled()) {
    owner_.listenForStop();
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
    if (timedOut != killed_.end()) {
      const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(plan_.timeout);
      lastLoss_ = std::make_exception_ptr(TaskTimeout(limit, origin));
    } else {
      lastLoss_ = std::make_exception_ptr(WorkerLost(status, origin));
    }
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

void ChunkDriver::stopRequested(int signal, bool again) {
  ++eventCount_;
  owner_.stopRequested(signal, again);
}

void ChunkDriver::lookAtTheClock() {
  const Time now = steadyNow();
  if (terminateAt_ && now >= *terminateAt_) {
    endWorkers(SIGTERM);
  }
  if (killAt_ && now >= *killAt_) {
    killAt_.reset();
    endWorkers(SIGKILL);
  }
  if (watch_.isDue(now)) {
    watchItems(now);
  }
}

void ChunkDriver::watchItems(Time now) {
  watch_.look(now);
  for (const auto& [id, flight] : flights_) {
    if (const std::optional<std::uint64_t> item = backend_.currentItem(flight.worker)) {
      scheduler_.observed(flight.worker, *item, watch_.since(flight.worker, *item, now), now);
    }
  }
}

std::optional<Time> ChunkDriver::nextWakeUp() const {
  return earlier(watch_.nextLook(), earlier(terminateAt_, killAt_));
}

void ChunkDriver::fail(const std::exception_ptr& error) {
  owner_.failed(error);
  cancel();
}

void ChunkDriver::cancel() {
  if (!terminateAt_ && !killAt_) {
    terminateAt_ = steadyNow() + kPatience;
  }
  scheduler_.cancel();
  backend_.stop();
}

void ChunkDriver::endWorkers(int signal, Time grace) {
  if (signal != SIGKILL) {
    terminateAt_.reset();
    killAt_ = steadyNow() + grace;
  }
  std::vector<int> workers;
  for (const auto& [id, flight] : flights_) {
    if (std::find(workers.begin(), workers.end(), flight.worker) == workers.end()) {
      workers.push_back(flight.worker);
      backend_.signal(flight.worker, signal);
    }
  }
}

}  // namespace procession::detail
