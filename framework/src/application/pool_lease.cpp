#include "procession/detail/application/pool_lease.hpp"

#include <mutex>
#include <utility>

#include "application/application_state.hpp"
#include "system/fork.hpp"

namespace procession::detail {
namespace {

struct KeptPool {
  PoolOptions options;
  ProcessPool pool;
};

std::mutex mutex;
std::optional<KeptPool> kept;

// In a forked child the kept pool is its parent's, and the mutex may be held by a thread that is
// not there.
bool mayKeepPools() { return isApplicationRunning() && !isInsideWorker(); }

std::optional<KeptPool> takeKeptPool() {
  const std::lock_guard lock(mutex);
  return std::exchange(kept, std::nullopt);
}

}  // namespace

PoolLease::PoolLease(const PoolOptions& options) : options_(options) {
  if (mayKeepPools()) {
    // One of other options ends here, before the new one starts its workers.
    if (auto found = takeKeptPool(); found && found->options == options) {
      pool_.emplace(std::move(found->pool));
      return;
    }
  }
  pool_.emplace(options);
}

PoolLease::~PoolLease() {
  if (!mayKeepPools()) {
    return;
  }
  std::optional<KeptPool> returned(KeptPool{std::move(options_), std::move(*pool_)});
  const std::lock_guard lock(mutex);
  kept.swap(returned);  // what another thread returned meanwhile ends with `returned`
}

void dropKeptPool() { takeKeptPool(); }

}  // namespace procession::detail
