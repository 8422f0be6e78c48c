#include "pool/chunk_driver.hpp"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

// Reductions hold back while this much waits for its neighbours.
constexpr std::size_t kMostWaitingBytes = std::size_t{256} << 20;
// A partial costs about 2 ns a byte on its way from a worker into the parent's tree; a chunk should
// last several times as long. Larger chunks also leave fewer partials to be held there.
constexpr Time kWorthOfByte = std::chrono::nanoseconds(16);
// Callbacks of a failed operation may finish their item; then they are told to stop, then made to.
constexpr Time kPatience = std::chrono::milliseconds(500);
constexpr int kMostIdleLosses = 16;
// A worker that somebody terminated: perhaps all of us are being stopped, and it heard first.
constexpr Time kStopHeardWithin = std::chrono::milliseconds(200);

/// Within the time; however often a handler interrupts the wait.
bool becomesReadable(int descriptor, Time limit) {
  const Time end = steadyNow() + limit;
  pollfd entry{descriptor, POLLIN, 0};
  int ready = 0;
  do {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steadyNow()).count();
    ready = poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

SchedulerOptions toSchedulerOptions(const OperationPlan& plan, const Backend& backend,
                                    std::uint64_t mostItems, bool ofAgent) {
  SchedulerOptions scheduler;
  scheduler.leafItems = plan.shape.leafItems;
  scheduler.wholeNodes = plan.shape.wholeNodes;
  scheduler.maxChunkItems = mostItems;
  scheduler.chunksInFlight = backend.chunksInFlight();
  scheduler.splitsChunks = !plan.shape.wholeNodes;
  scheduler.keepBackDear = ofAgent;
  scheduler.stopAtFailure = !plan.settles;
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

ChunkDriver::ChunkDriver(Backend& backend, Owner& owner, const OperationPlan& plan, bool ofAgent)
    : backend_(backend),
      owner_(owner),
      plan_(plan),
      limit_(plan, backend.capacity()),
      scheduler_(toSchedulerOptions(plan, backend, limit_.items(), ofAgent)),
      encoder_([this](PayloadWriter& writer, std::uint64_t first, std::uint64_t count) {
        const std::size_t before = writer.size();
        owner_.encodeItems(writer, first, count);
        noteBytes(count, writer.size() - before);
      }),
      watch_(backend.isOfAgents() ? Time{0} : plan.timeout) {}

void ChunkDriver::traceEvents() {
  trace_.emplace(backend_, [this](const TraceRecord& record) { owner_.traced(record); });
}

void ChunkDriver::begin(std::uint64_t operation, std::shared_ptr<const HeapPayload> message) {
  // Values bound to a callback that workers may keep until the next operation.
  constexpr std::size_t kSmallSetup = std::size_t{64} << 10;
  if (trace_) {
    trace_->begin(operation);
  }
  const ByteView setup = message->view().subspan(sizeof(OperationPlan));
  backend_.begin({.id = operation,
                  .bytes = setup,
                  .message = std::move(message),
                  .holdsResources = plan_.shape.readsSource || setup.size() > kSmallSetup,
                  .plan = plan_,
                  .items = owner_.itemsInMemory()},
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
  const Time before = trace_ ? steadyNow() : Time(0);
  backend_.wait(earlier(until, nextWakeUp()), wakeUp, *this);
  if (trace_) {
    trace_->wait(before, steadyNow());
  }
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
      if (trace_) {
        trace_->moment(TraceRecord::Type::Recall, action.worker, action.chunk, std::nullopt,
                       action.worker);
      }
      backend_.recall(action.worker, action.chunk.id, *this);
      break;
    case Scheduler::Action::Type::Kill:
      if (trace_) {
        trace_->moment(TraceRecord::Type::Kill, action.worker, {}, action.item);
      }
      killed_[action.worker] = action.item;
      backend_.signal(action.worker, SIGKILL);
      break;
    case Scheduler::Action::Type::Fail:
      if (trace_) {
        trace_->moment(TraceRecord::Type::ItemFailed, action.worker, {}, action.item,
                       action.attempts);
      }
      recordFailure(action);
      break;
  }
}

void ChunkDriver::assign(const Scheduler::Action& action) {
  traceRetry(action.worker, action.chunk);
  flights_[action.chunk.id] = {action.worker, action.chunk, steadyNow()};
  try {
    backend_.send(action.worker, action.chunk, encoder_);
  } catch (...) {
    flights_.erase(action.chunk.id);
    scheduler_.chunkAborted(action.worker, action.chunk.id, 0, steadyNow());
    throw;
  }
  owner_.handedOut(action.chunk);
}

void ChunkDriver::recordFailure(const Scheduler::Action& action) {
  const std::exception_ptr error = attempts_[action.item];
  owner_.itemFailed(action.item, error == nullptr ? lastLoss_ : error);
  attempts_.erase(action.item);
  if (!plan_.settles) {
    cancel();
  }
}

void ChunkDriver::recordAttempt(std::uint64_t item, const std::exception_ptr& error, Time took) {
  attempts_[item] = error;
  if (plan_.tellsAttempts) {
    owner_.attemptFailed(item, error, took);
  }
}

void ChunkDriver::workerReady(int worker, int capacity) {
  scheduler_.addWorker(worker, capacity, steadyNow());
}

void ChunkDriver::accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) {
  try {
    if (plan_.shape.wholeNodes) {
      scheduler_.raiseWorthwhile(kWorthOfByte * static_cast<Time::rep>(results.size()));
    }
    attempts_.erase(attempts_.lower_bound(first), attempts_.lower_bound(first + count));
    owner_.accept(first, count, busy, results);
  } catch (...) {
    fail(std::current_exception());
  }
}

void ChunkDriver::partDone(int, std::uint64_t first, std::uint64_t count, Time busy,
                           ByteView results) {
  accept(first, count, busy, results);
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
  owner_.chunkCameBack(steadyNow() - flight->second.since);
  if (trace_) {
    trace_->chunk(TraceRecord::Type::Chunk, worker, done);
  }
  flights_.erase(flight);
  if (!backend_.isOfAgents()) {
    accept(done.first, done.count, busy, results);
    noteBytes(done.count, results.size());
  }
  scheduler_.chunkDone(worker, chunk, busy, steadyNow());
}

void ChunkDriver::noteBytes(std::uint64_t items, std::size_t bytes) {
  if (const std::optional<std::uint64_t> most = limit_.note(items, bytes)) {
    scheduler_.limitChunkItems(*most);
  }
}

void ChunkDriver::chunkThrew(int worker, std::uint64_t chunk, std::uint64_t done, Time took,
                             std::vector<ExceptionInfo> chain, Origin origin) {
  ++eventCount_;
  idleLosses_ = 0;
  if (const auto flight = flights_.find(chunk); flight != flights_.end()) {
    if (trace_) {
      trace_->broken(TraceRecord::Type::Threw, worker, flight->second.chunk, done, took,
                     origin.item);
    }
    flights_.erase(flight);
  }
  watch_.forget(worker);
  const std::optional<std::uint64_t> item = origin.item;
  const auto error = std::make_exception_ptr(TaskError(std::move(chain), std::move(origin)));
  if (item) {
    recordAttempt(*item, error, took);
    scheduler_.itemFailed(worker, chunk, *item, done, steadyNow());
  } else {
    scheduler_.chunkAborted(worker, chunk, 0, steadyNow());
    fail(error);
  }
}

void ChunkDriver::attemptFailed(int, std::uint64_t item, std::exception_ptr error, Time took) {
  ++eventCount_;
  owner_.attemptFailed(item, error, took);
}

void ChunkDriver::itemFailed(int, std::uint64_t item, std::exception_ptr error) {
  ++eventCount_;
  owner_.itemFailed(item, error);
  if (!plan_.settles) {
    cancel();
  }
}

void ChunkDriver::operationFailed(int, std::exception_ptr error) {
  ++eventCount_;
  fail(error);
}

void ChunkDriver::chunkPassedOn(int worker, std::uint64_t chunk) {
  ++eventCount_;
  scheduler_.chunkPassedOn(worker, chunk, steadyNow());
}

void ChunkDriver::chunkAborted(int worker, std::uint64_t chunk, std::uint64_t done) {
  ++eventCount_;
  watch_.forget(worker);
  if (const auto flight = flights_.find(chunk); flight != flights_.end()) {
    if (trace_) {
      trace_->broken(TraceRecord::Type::Aborted, worker, flight->second.chunk, done);
    }
    flights_.erase(flight);
  }
  scheduler_.chunkAborted(worker, chunk, done, steadyNow());
}

void ChunkDriver::recallAnswered(int worker, std::uint64_t chunk, bool recalled) {
  ++eventCount_;
  if (recalled) {
    if (const auto flight = flights_.find(chunk); flight != flights_.end()) {
      if (trace_) {
        trace_->moment(TraceRecord::Type::TakenBack, worker, flight->second.chunk, std::nullopt,
                       worker);
      }
      flights_.erase(flight);
    }
    scheduler_.recalled(worker, chunk, steadyNow());
  } else {
    scheduler_.recallRefused(worker, chunk, steadyNow());
  }
}

void ChunkDriver::shortened(int worker, std::uint64_t chunk, std::uint64_t given) {
  ++eventCount_;
  scheduler_.shortened(worker, chunk, given, steadyNow());
  Chunk& left = flights_.at(chunk).chunk;
  left.count -= given;
  if (trace_) {
    trace_->moment(TraceRecord::Type::Split, worker, {chunk, left.end(), given}, std::nullopt,
                   worker);
  }
}

void ChunkDriver::workerLost(int worker, std::optional<std::uint64_t> begun, Time took,
                             ProcessStatus status, Origin origin) {
  ++eventCount_;
  if (status.getSignal() == SIGTERM && !scheduler_.isCancelled() &&
      becomesReadable(owner_.stopDescriptor(), kStopHeardWithin)) {
    owner_.stopHeard();
  }
  watch_.forget(worker);
  const bool blame = begun.has_value() && !scheduler_.isCancelled();
  traceLoss(worker, begun, status, origin.item);
  for (auto flight = flights_.begin(); flight != flights_.end();) {
    if (flight->second.worker != worker) {
      ++flight;
      continue;
    }
    if (!blame || flight->first != *begun) {
      scheduler_.chunkAborted(worker, flight->first, 0, steadyNow());
    } else if (!origin.item && flight->second.chunk.count == 1) {
      // It wrote over its board, but can have been on no other.
      origin.item = flight->second.chunk.first;
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
      recordAttempt(*item, lastLoss_, took);
    }
  } else if (begun && origin.item && plan_.tellsAttempts) {
    owner_.attemptFailed(
        *origin.item,
        std::make_exception_ptr(Interrupted("ended with the operation: " + origin.describe())),
        took);
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

void ChunkDriver::traced(int worker, ByteView records) { owner_.tracedByAgent(worker, records); }

void ChunkDriver::traceRetry(int worker, const Chunk& chunk) {
  if (!trace_) {
    return;
  }
  // What failed before is handed out alone, or with its leaf.
  const auto failed = attempts_.lower_bound(chunk.first);
  if (failed != attempts_.end() && failed->first < chunk.end()) {
    trace_->moment(TraceRecord::Type::Retry, worker, chunk, failed->first);
  }
}

void ChunkDriver::traceLoss(int worker, std::optional<std::uint64_t> begun, ProcessStatus status,
                            std::optional<std::uint64_t> item) {
  if (!trace_) {
    return;
  }
  const auto flight = begun ? flights_.find(*begun) : flights_.end();
  trace_->loss(worker,
               flight == flights_.end() ? std::nullopt : std::optional(flight->second.chunk),
               status, item);
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
  return earlier(earlier(watch_.nextLook(), scheduler_.nextRecall()),
                 earlier(terminateAt_, killAt_));
}

void ChunkDriver::fail(const std::exception_ptr& error) {
  owner_.failed(error);
  cancel();
}

void ChunkDriver::windDown() {
  std::vector<std::uint64_t> chunks;  // by an item of each
  chunks.reserve(flights_.size());
  for (const auto& [id, flight] : flights_) {
    chunks.push_back(flight.chunk.first);
  }
  for (const std::uint64_t item : chunks) {
    takeBack(item);
  }
  scheduler_.cancel();
}

std::uint64_t ChunkDriver::itemsUnderWay() const {
  std::uint64_t items = 0;
  for (const auto& [id, flight] : flights_) {
    const std::uint64_t item = backend_.currentItem(flight.worker).value_or(0);
    if (flight.chunk.first <= item && item < flight.chunk.end()) {
      items += item - flight.chunk.first;
    }
  }
  return items;
}

void ChunkDriver::cancel() {
  if (!terminateAt_ && !killAt_) {
    terminateAt_ = steadyNow() + kPatience;
  }
  scheduler_.cancel();
  backend_.stop();
}

void ChunkDriver::takeBack(std::uint64_t item) {
  if (const std::optional<Scheduler::Action> recall = scheduler_.recallOf(item)) {
    perform(*recall);
  }
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
