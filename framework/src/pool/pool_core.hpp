#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "backend/backend.hpp"
#include "pool/streamed_operation.hpp"
#include "pool/submission_queue.hpp"
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
  /// `operation` has to live as long as what is returned.
  [[nodiscard]] std::unique_ptr<RunningOperation> start(Operation& operation);
  void submit(const std::shared_ptr<Submission>& submission);
  /// Cancels an operation that was started and is not over, and what was submitted and is not done.
  void shutdown();

  /// Of the backend; after shutdown, what it was asked for.
  [[nodiscard]] int workerCount() const {
    return backend_ != nullptr ? backend_->workerCount() : workerCount_;
  }
  [[nodiscard]] std::uint64_t processedCount() const { return processedCount_; }
  [[nodiscard]] const PoolOptions& options() const { return options_; }

 private:
  void runOn(Backend& backend, Operation& operation);
  /// What was submitted is done before anything else begins. Throws what ended it early.
  void finishSubmissions();
  /// Throws std::logic_error after shutdown, PortabilityError for what ranks refuse.
  void requireUse(const Operation::Shape& shape) const;
  /// Workers for an operation that is localOnly; null for others.
  [[nodiscard]] std::unique_ptr<Backend> forkFor(const Operation::Shape& shape) const;
  [[nodiscard]] bool isForeign() const;

  PoolOptions options_;
  pid_t owner_;  // a process that inherited the pool by fork is not its owner
  int workerCount_ = 0;
  std::unique_ptr<Backend> backend_;  // null after shutdown
  std::uint64_t processedCount_ = 0;
  std::atomic<bool> busy_ = false;
  StreamedOperation* running_ = nullptr;
  std::unique_ptr<SubmissionQueue> submissions_;  // null before the first
  std::unique_ptr<Backend> nested_;               // for submissions in a process that inherited it
};

}  // namespace procession::detail
