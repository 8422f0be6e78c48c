#pragma once

#include <optional>

#include "procession/process_pool.hpp"

namespace procession::detail {

/// The pool behind one call of the facade's map, filter or reduce.
///
/// Under Application::run it is the pool of the last such call, if that had the same options and
/// nobody is using it just now, and it is kept for the next call. Otherwise it is fresh, and ends
/// with the lease.
class PoolLease {
 public:
  explicit PoolLease(const PoolOptions& options);
  PoolLease(const PoolLease&) = delete;
  PoolLease& operator=(const PoolLease&) = delete;
  ~PoolLease();

  ProcessPool* operator->() { return &*pool_; }

 private:
  PoolOptions options_;
  std::optional<ProcessPool> pool_;  // empty only while it is made
};

/// Ends the workers of the kept pool, if there is one. For the end of Application::run.
void dropKeptPool();

}  // namespace procession::detail
