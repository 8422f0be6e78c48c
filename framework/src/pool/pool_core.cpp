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
#include "pool/agent.hpp"
#include "pool/operation_loop.hpp"
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
  if (Ranks* ranks = activeRanks()) {
    requireRanksThread();
    // 0, where nobody asks for a number: the ranks know their cores.
    const int asked = options.workerCount != 0 ? options.workerCount : askedWorkerCount();
    return std::make_unique<AgentsBackend>(*ranks, parentsAgent(), asked);
  }
  const int workerCount = chooseWorkerCount(options.workerCount);
  if (hasForkServer()) {
    return std::make_unique<ForkBackend>(workerCount, makeServerSpawner());
  }
  return forkHere(workerCount);
}

/// Keeps a second operation out while one runs.
class BusyScope {
 public:
  explicit BusyScope(std::atomic<bool>& busy) : busy_(busy) {
    if (busy_.exchange(true)) {
      throw std::logic_error(
          "this ProcessPool runs an operation already: a pool takes one at a time; use a pool a "
          "thread");
    }
  }
  ~BusyScope() { busy_ = false; }
  BusyScope(const BusyScope&) = delete;
  BusyScope& operator=(const BusyScope&) = delete;

 private:
  std::atomic<bool>& busy_;
};

}  // namespace

void throwWrongResultSize(std::size_t received, std::size_t expected) {
  throw PayloadError("malformed message from another process: results of " +
                     std::to_string(received) + " bytes instead of " + std::to_string(expected));
}

PoolCore::PoolCore(const PoolOptions& options) : options_(options), owner_(getpid()) {
  checkOptions(options);
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

bool PoolCore::isForeign() const { return getpid() != owner_; }

void PoolCore::shutdown() {
  if (backend_ != nullptr && !isForeign()) {
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
  if (backend_ == nullptr) {
    throw std::logic_error("this ProcessPool was shut down; make a new one");
  }
  const Operation::Shape shape = operation.shape();
  if (shape.items == 0) {
    return;
  }
  if (backend_->isOfAgents()) {
    requireRanksThread();
    if (shape.localOnly) {
      throw PortabilityError(
          "localOnly(callback) runs on one machine only, and this job has several ranks: make the "
          "callback portable (bindFront), or start one rank");
    }
  }
  const bool serial = dynamic_cast<SerialBackend*>(backend_.get()) != nullptr;
  if (shape.localOnly && !serial) {
    const std::unique_ptr<Backend> local = forkHere(workerCount_);
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
