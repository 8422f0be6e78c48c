#include "pool/operation_loop.hpp"

#include <csignal>
#include <string>

#include "backend/fork_server.hpp"
#include "backend/mail_room.hpp"
#include "backend/operation_runner.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/error.hpp"
#include "system/fork.hpp"
#include "system/launcher.hpp"

namespace procession::detail {

namespace {

// For workers of an operation that a signal ended.
constexpr Time kGraceAlone = std::chrono::seconds(2);
constexpr Time kGraceUnderLauncher = std::chrono::milliseconds(300);  // it kills after 1 s

OperationPlan toPlan(const Operation& operation, const PoolOptions& options) {
  OperationPlan plan;
  plan.shape = operation.shape();
  plan.chunkSize = options.chunkSize;
  plan.retries = options.retries;
  plan.timeout = options.timeout;
  plan.settles = operation.settles();
  plan.tellsAttempts = operation.tellsAttempts();
  if (MergerFactory* merger = operation.merger()) {
    plan.merger = locateFunction(merger);
  }
  return plan;
}

std::optional<Deadline> deadlineOf(const PoolOptions& options) {
  if (isInsideWorker()) {
    return std::nullopt;  // whoever has this work done looks at the clock
  }
  if (!options.deadline) {
    return jobDeadline();
  }
  if (*options.deadline == WallTime::max()) {
    return std::nullopt;
  }
  return Deadline{*options.deadline, "the pool"};
}

DeadlineWatch watchFor(const Deadline& deadline) {
  const WallTime now = std::chrono::system_clock::now();
  const Time begin = steadyNow();
  // Far ones would overflow as nanoseconds from the steady clock's start.
  constexpr std::chrono::hours kFar{24 * 365 * 100};
  const auto left = std::clamp<WallTime::duration>(deadline.at - now, Time(0), kFar);
  return {begin, begin + std::chrono::duration_cast<Time>(left)};
}

}  // namespace

OperationLoop::OperationLoop(Backend& backend, Operation& operation, const PoolOptions& options)
    : operation_(operation),
      driver_(backend, *this, toPlan(operation, options), /*ofAgent=*/false),
      deadline_(deadlineOf(options)) {
  if (deadline_) {
    watch_ = watchFor(*deadline_);
  }
  if (options.progress != Progress::Off && !isInsideWorker()) {
    progress_.emplace(operation.name(), driver_.plan().shape.items, options.progress, steadyNow());
  }
}

OperationLoop::~OperationLoop() { trace_.end(driver_.doneItems(), failedItems()); }

std::uint64_t OperationLoop::failedItems() const {
  return operation_.failedItems().value_or(failedItems_);
}

void OperationLoop::run() {
  trace_.nest();
  begin();
  addItems(operation_.shape().items);
  closeItems();
  while (!isFinished()) {
    step();
  }
  end();
}

void OperationLoop::begin() {
  signals_.emplace();
  encode(*setup_, driver_.plan());
  writeFactory(*setup_, operation_.kernel());
  operation_.describe(*setup_);
  const std::uint64_t id = nextOperationId();
  if (trace_.begin(operation_.name(), id, driver_.plan().shape.items)) {
    driver_.traceEvents();
  }
  driver_.begin(id, setup_);
}

void OperationLoop::addItems(std::uint64_t count) {
  driver_.addItems(itemCount_, count);
  itemCount_ += count;
}

void OperationLoop::step(std::optional<Time> until) {
  if (!signals_) {
    signals_.emplace();
  }
  if (progress_) {
    if (progress_->isPaused()) {
      progress_->resume(steadyNow());
    }
    until = earlier(until, progress_->nextLook());
  }
  lookAtTheClock();  // before anything is handed out
  driver_.step(earlier(until, nextDeadlineStep()), signals_->getDescriptor());
  lookAtSignals();
  showProgress();
}

void OperationLoop::glance() {
  lookAtTheClock();
  driver_.step(Time(0), -1);
}

void OperationLoop::pause() {
  if (progress_) {
    progress_->pause();
  }
  lookAtSignals();
  signals_.reset();
  signalsSeen_ = 0;
}

void OperationLoop::abandon() {
  driver_.cancel();
  while (!isFinished()) {
    step();
  }
  endProgress();
  driver_.end(stopDescriptor());
  passSignalOn();  // who leaves is told nothing any more
}

void OperationLoop::passSignalOn() {
  if (interruptedBy_) {
    if (!signals_) {
      signals_.emplace();
    }
    signals_->passOn(*interruptedBy_);
  }
}

void OperationLoop::end() {
  endProgress();
  driver_.end(stopDescriptor());
  if (error_ != nullptr) {
    std::rethrow_exception(error_);
  }
  if (!failures_.empty()) {
    std::rethrow_exception(failures_.begin()->second);
  }
  if (ending_ != Ending::NotYet && driver_.openItems() > 0 && !operation_.returnsAtDeadline()) {
    std::rethrow_exception(missedDeadline());
  }
}

std::uint64_t OperationLoop::doneItems() const {
  const std::uint64_t failed = operation_.settles() ? driver_.failedItems() : 0;
  return driver_.doneItems() + failed;
}

void OperationLoop::encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) {
  operation_.encodeItems(writer, first, count);
}

void OperationLoop::chunkCameBack(Time duration) {
  if (watch_) {
    watch_->noteChunk(duration);
  }
}

void OperationLoop::accept(std::uint64_t first, std::uint64_t count, Time, ByteView results) {
  operation_.accept(first, count, results);
}

void OperationLoop::attemptFailed(std::uint64_t item, const std::exception_ptr& error, Time took) {
  operation_.attemptFailed(item, error, took);
}

void OperationLoop::itemFailed(std::uint64_t item, const std::exception_ptr& error) {
  ++failedItems_;
  if (!operation_.settles()) {
    failures_.emplace(item, error);
    return;
  }
  try {
    operation_.itemFailed(item, error);
  } catch (...) {
    failures_.emplace(item, std::current_exception());
    driver_.cancel();
  }
}

void OperationLoop::failed(const std::exception_ptr& error) {
  if (error_ == nullptr) {
    error_ = error;
  }
}

void OperationLoop::stopRequested(int signal, bool again) { interrupt(signal, again); }

void OperationLoop::lookAtSignals() {
  if (!signals_ || signals_->getCount() == signalsSeen_) {
    return;
  }
  signals_->acknowledge();
  signalsSeen_ = signals_->getCount();
  interrupt(signals_->getSignal().value_or(SIGTERM), signalsSeen_ > 1);
}

/// `again`: somebody insists. That other ranks were told, too, is still the same request: launchers
/// signal all of them.
void OperationLoop::interrupt(int signal, bool again) {
  if (interruptedBy_ && !again) {
    return;
  }
  interruptedBy_ = signal;
  trace_.note(TraceRecord::Type::Interrupted, signal);
  if (MailRoom* room = mailRoom()) {
    room->noteInterruption();
  }
  dismissGuardian();  // whatever ends this process now, it is no surprise
  driver_.fail(std::make_exception_ptr(Interrupted(
      "interrupted by " + signalName(signal) + " after " + std::to_string(driver_.doneItems()) +
          " of " + std::to_string(itemCount_) + " items",
      signal)));
  driver_.endWorkers(again ? SIGKILL : SIGTERM,
                     detectLauncher() ? kGraceUnderLauncher : kGraceAlone);
}

void OperationLoop::lookAtTheClock() {
  const std::optional<Time> next = nextDeadlineStep();
  if (!next || steadyNow() < *next) {
    return;
  }
  if (ending_ == Ending::NotYet) {
    trace_.note(TraceRecord::Type::Deadline);
    ending_ = Ending::HandsOutNothing;
    driver_.windDown();
  } else {
    ending_ = Ending::GivesUp;
    driver_.cancel();
  }
  lookAtTheClock();  // for short times both steps are at the same moment
}

std::optional<Time> OperationLoop::nextDeadlineStep() const {
  if (!watch_ || ending_ == Ending::GivesUp) {
    return std::nullopt;
  }
  if (ending_ == Ending::HandsOutNothing) {
    return watch_->stop();
  }
  return driver_.isCancelled() ? std::nullopt : std::optional(watch_->lastHandOut());
}

std::exception_ptr OperationLoop::missedDeadline() const {
  return std::make_exception_ptr(
      Interrupted("the deadline of " + deadline_->source + ", " + momentText(deadline_->at) +
                  ", is near: stopped after " + std::to_string(driver_.doneItems()) + " of " +
                  std::to_string(itemCount_) + " items"));
}

void OperationLoop::traced(const TraceRecord& record) { trace_.add(record); }

void OperationLoop::tracedByAgent(int rank, ByteView records) { trace_.add(rank, records); }

void OperationLoop::showProgress() {
  if (!progress_) {
    return;
  }
  if (const Time now = steadyNow(); now >= progress_->nextLook()) {
    progress_->look(progress(), now);
  }
}

void OperationLoop::endProgress() {
  if (progress_) {
    progress_->end(progress(), steadyNow());
    progress_.reset();
  }
}

/// Agents count failed items as done. A chunk may last long, the first ones above all.
ProgressDisplay::Counts OperationLoop::progress() const {
  return {itemCount_ - driver_.openItems() + driver_.itemsUnderWay(), failedItems()};
}

}  // namespace procession::detail
