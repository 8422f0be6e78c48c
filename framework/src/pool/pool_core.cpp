#include "pool/pool_core.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "backend/agents_backend.hpp"
#include "backend/backend_choice.hpp"
#include "backend/fork_backend.hpp"
#include "backend/fork_server.hpp"
#include "backend/serial_backend.hpp"
#include "pool/busy_scope.hpp"
#include "pool/operation_loop.hpp"
#include "pool/progress_display.hpp"
#include "pool/trace_file.hpp"
#include "procession/detail/pool/operations.hpp"
#include "procession/detail/wire/code_address.hpp"
#include "system/fork.hpp"

namespace procession::detail {

namespace {

constexpr Time kShutdownGrace = std::chrono::seconds(2);
// milliseconds::max() says "none", too; as nanoseconds it would wrap around.
constexpr std::chrono::hours kLongestTimeout{24 * 365 * 100};

void checkOptions(const PoolOptions& options) {
  if (options.workerCount < 0) {
    throw std::invalid_argument("PoolOptions::workerCount is " +
                                std::to_string(options.workerCount) +
                                "; it must be a number of workers, or 0 for every core");
  }
  if (options.retries < 0) {
    throw std::invalid_argument("PoolOptions::retries is " + std::to_string(options.retries) +
                                "; it must be 0 or more");
  }
  if (options.timeout.count() < 0) {
    throw std::invalid_argument("PoolOptions::timeout is " +
                                std::to_string(options.timeout.count()) +
                                " ms; it must be 0 (none) or more");
  }
  if (!options.checkpoint.empty()) {
    throw std::invalid_argument("PoolOptions::checkpoint: this version has no journals");
  }
}

std::unique_ptr<Backend> forkHere(int workerCount) {
  refreshSegmentTable();
  return std::make_unique<ForkBackend>(workerCount, makeDirectSpawner());
}

std::unique_ptr<Backend> makeBackend(const PoolOptions& options) {
  if (isInsideWorker() || chooseBackend() == BackendKind::Serial) {
    return std::make_unique<SerialBackend>();
  }
  if (MailRoom* room = mailRoom()) {
    requireRanksThread();
    // 0, where nobody asks for a number: the ranks know their cores.
    const int asked = options.workerCount != 0 ? options.workerCount : askedWorkerCount();
    return std::make_unique<AgentsBackend>(*room, asked);
  }
  const int workerCount = chooseWorkerCount(options.workerCount);
  if (hasForkServer()) {
    return std::make_unique<ForkBackend>(workerCount, makeServerSpawner());
  }
  return forkHere(workerCount);
}

}  // namespace

void throwWrongResultSize(std::size_t received, std::size_t expected) {
  throw PayloadError("malformed message from another process: results of " +
                     std::to_string(received) + " bytes instead of " + std::to_string(expected));
}

PoolCore::PoolCore(const PoolOptions& options) : options_(options), owner_(knownPid()) {
  checkOptions(options);
  options_.progress = chooseProgress(options.progress);
  traceFile();  // one that cannot be written is told before any work begins
  options_.timeout = std::min<std::chrono::milliseconds>(options_.timeout, kLongestTimeout);
  requireSingleRank();
  backend_ = makeBackend(options);
  workerCount_ = backend_->workerCount();
}

PoolCore::~PoolCore() {
  try {
    shutdown();
  } catch (const std::exception&) {
    // The fork server is gone, and the workers with it.
  }
}

bool PoolCore::isForeign() const { return knownPid() != owner_; }

void PoolCore::shutdown() {
  if (busy_ && running_ == nullptr && !isForeign()) {
    throw std::logic_error(
        "this ProcessPool runs an operation: it cannot be shut down from inside of it, nor by "
        "another thread");
  }
  if (submissions_ != nullptr && !submissions_->isForeign()) {
    submissions_->abandon();
  }
  if (backend_ != nullptr && !isForeign()) {
    if (running_ != nullptr) {
      running_->detach();
    }
    const std::unique_ptr<Backend> backend = std::move(backend_);
    backend->shutdown(kShutdownGrace);
  } else if (backend_ != nullptr) {
    // The workers are another process's; their objects here are left alone.
    static_cast<void>(backend_.release());
  }
}

void PoolCore::run(Operation& operation) {
  if (isForeign()) {
    // A worker uses the pool that it inherited, perhaps in the middle of an operation: nested use
    // is serial.
    if (operation.shape().items != 0) {
      SerialBackend nested;
      runOn(nested, operation);
    }
    return;
  }
  const BusyScope scope(busy_);
  finishSubmissions();
  const Operation::Shape shape = operation.shape();
  requireUse(shape);
  if (shape.items == 0) {
    return;
  }
  if (const std::unique_ptr<Backend> local = forkFor(shape)) {
    try {
      runOn(*local, operation);
    } catch (...) {
      local->shutdown(kShutdownGrace);
      throw;
    }
    local->shutdown(kShutdownGrace);
  } else {
    runOn(*backend_, operation);
  }
}

std::unique_ptr<RunningOperation> PoolCore::start(Operation& operation) {
  if (isForeign()) {
    return std::make_unique<StreamedOperation>(
        std::nullopt, nullptr, std::make_unique<SerialBackend>(), operation, options_);
  }
  std::unique_ptr<Backend> own;
  {
    const BusyScope scope(busy_);
    finishSubmissions();
    const Operation::Shape shape = operation.shape();
    requireUse(shape);
    own = forkFor(shape);
  }
  return std::make_unique<StreamedOperation>(
      StreamedOperation::Pool{busy_, processedCount_, running_}, backend_.get(), std::move(own),
      operation, options_);
}

void PoolCore::submit(const std::shared_ptr<Submission>& submission) {
  if (submissions_ != nullptr && submissions_->isForeign()) {
    static_cast<void>(submissions_.release());  // another process's
  }
  if (isForeign()) {
    // Nested use is serial.
    if (nested_ == nullptr) {
      nested_ = std::make_unique<SerialBackend>();
      busy_ = false;
    }
  }
  const BusyScope scope(busy_);
  if (!isForeign()) {
    requireUse({.items = 1});
  }
  if (submissions_ == nullptr) {
    submissions_ = std::make_unique<SubmissionQueue>(nested_ != nullptr ? *nested_ : *backend_,
                                                     busy_, processedCount_, options_);
  }
  submissions_->submit(submission);
}

void PoolCore::finishSubmissions() {
  if (submissions_ != nullptr) {
    submissions_->finish();
  }
}

void PoolCore::requireUse(const Operation::Shape& shape) const {
  if (backend_ == nullptr) {
    throw std::logic_error("this ProcessPool was shut down; make a new one");
  }
  if (shape.items != 0 && backend_->isOfAgents()) {
    requireRanksThread();
    if (shape.localOnly) {
      throw PortabilityError(
          "localOnly(callback) runs on one machine only, and this job has several ranks: make the "
          "callback portable (bindFront), or start one rank");
    }
  }
}

std::unique_ptr<Backend> PoolCore::forkFor(const Operation::Shape& shape) const {
  const bool isSerial = dynamic_cast<SerialBackend*>(backend_.get()) != nullptr;
  return shape.localOnly && shape.items != 0 && !isSerial ? forkHere(workerCount_) : nullptr;
}

void PoolCore::runOn(Backend& backend, Operation& operation) {
  OperationLoop loop(backend, operation, options_);
  try {
    loop.run();
  } catch (...) {
    processedCount_ += loop.doneItems();
    throw;
  }
  processedCount_ += loop.doneItems();
}

}  // namespace procession::detail
