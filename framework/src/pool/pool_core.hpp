#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "backend/backend.hpp"
#include "procession/detail/pool/operation.hpp"
#include "procession/pool_options.hpp"

namespace procession::detail {

/// What a ProcessPool is behind its templates: options, workers, and one operation at a time.
class PoolCore {
 public:
  explicit PoolCore(const PoolOptions& options);
  ~PoolCore();
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;

  void run(Operation& operation);
  void shutdown();

  /// Of the backend; after shutdown, what it was asked for.
  [[nodiscard]] int workerCount() const {
    return backend_ != nullptr ? backend_->workerCount() : workerCount_;
  }
  [[nodiscard]] std::uint64_t processedCount() const { return processedCount_; }
  [[nodiscard]] const PoolOptions& options() const { return options_; }

 private:
  void runOn(Backend& backend, Operation& operation);
  [[nodiscard]] bool isForeign() const;

  PoolOptions options_;
  pid_t owner_;  // a process that inherited the pool by fork is not its owner
  int workerCount_ = 0;
  std::unique_ptr<Backend> backend_;  // null after shutdown
  std::uint64_t processedCount_ = 0;
  std::atomic<bool> busy_ = false;
};

}  // namespace procession::detail
