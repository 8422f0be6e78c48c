#include "pool/operation_loop.hpp"

#include <poll.h>

#include <csignal>
#include <string>

#include "backend/fork_server.hpp"
#include "backend/operation_runner.hpp"
#include "procession/error.hpp"
#include "system/launcher.hpp"

namespace procession::detail {

namespace {

// A worker that somebody terminated: perhaps all of us are being stopped, and it heard first.
constexpr int kStopHeardWithin = 200;  // ms
// For workers of an operation that a signal ended.
constexpr Time kGraceAlone = std::chrono::seconds(2);
constexpr Time kGraceUnderLauncher = std::chrono::milliseconds(300);  // it kills after 1 s

OperationPlan toPlan(const Operation& operation, const PoolOptions& options) {
  OperationPlan plan;
  plan.shape = operation.shape();
  plan.chunkSize = options.chunkSize;
  plan.retries = options.retries;
  plan.timeout = options.timeout;
  if (MergerFactory* merger = operation.merger()) {
    plan.merger = locateFunction(merger);
  }
  return plan;
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
    : operation_(operation),
      itemCount_(operation.shape().items),
      driver_(backend, *this, toPlan(operation, options)),
      deadline_(toSteadyTime(options.deadline)) {}

void OperationLoop::run() {
  HeapPayload setup;
  writeFactory(setup, operation_.kernel());
  operation_.describe(setup);
  driver_.addItems(0, itemCount_);
  driver_.closeItems();
  driver_.begin(nextOperationId(), setup.view());
  while (!driver_.isFinished()) {
    driver_.step(deadline_, signals_.getDescriptor());
    lookAtSignals();
    lookAtTheClock();
  }
  driver_.end();
  if (error_ != nullptr) {
    std::rethrow_exception(error_);
  }
  if (!failures_.empty()) {
    std::rethrow_exception(failures_.begin()->second);
  }
}

void OperationLoop::encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) {
  operation_.encodeItems(writer, first, count);
}

void OperationLoop::accept(std::uint64_t first, std::uint64_t count, Time, ByteView results) {
  operation_.accept(first, count, results);
}

void OperationLoop::itemFailed(std::uint64_t item, const std::exception_ptr& error) {
  failures_.emplace(item, error);
}

void OperationLoop::failed(const std::exception_ptr& error) {
  if (error_ == nullptr) {
    error_ = error;
  }
}

void OperationLoop::listenForStop() {
  pollfd stop{signals_.getDescriptor(), POLLIN, 0};
  if (poll(&stop, 1, kStopHeardWithin) > 0) {
    lookAtSignals();
  }
}

void OperationLoop::stopRequested(int signal, bool again) { interrupt(signal, again); }

void OperationLoop::lookAtSignals() {
  if (signals_.getCount() == signalsSeen_) {
    return;
  }
  signals_.acknowledge();
  signalsSeen_ = signals_.getCount();
  interrupt(signals_.getSignal().value_or(SIGTERM), signalsSeen_ > 1);
}

/// `again`: somebody insists. That other ranks were told, too, is still the same request: launchers
/// signal all of them.
void OperationLoop::interrupt(int signal, bool again) {
  if (isInterrupted_ && !again) {
    return;
  }
  isInterrupted_ = true;
  dismissGuardian();  // whatever ends this process now, it is no surprise
  driver_.fail(std::make_exception_ptr(Interrupted(
      "interrupted by " + signalName(signal) + " after " + std::to_string(driver_.doneItems()) +
          " of " + std::to_string(itemCount_) + " items",
      signal)));
  driver_.endWorkers(again ? SIGKILL : SIGTERM,
                     detectLauncher() ? kGraceUnderLauncher : kGraceAlone);
}

void OperationLoop::lookAtTheClock() {
  if (deadline_ && steadyNow() >= *deadline_) {
    deadline_.reset();
    driver_.fail(std::make_exception_ptr(Interrupted("the deadline came after " +
                                                     std::to_string(driver_.doneItems()) + " of " +
                                                     std::to_string(itemCount_) + " items")));
  }
}

}  // namespace procession::detail
