#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>

#include "backend/backend.hpp"
#include "pool/operation_loop.hpp"
#include "procession/detail/pool/operation.hpp"
#include "procession/detail/pool/submission.hpp"
#include "procession/pool_options.hpp"

namespace procession::detail {

/// What was submitted to a pool: one operation whose items are calls, added as they come. It begins
/// with the first and stays open, with nothing to do, until the pool has another operation or ends.
/// Between its calls nothing of it runs in this process, and signals are the program's.
class SubmissionQueue final : private Operation {
 public:
  /// `backend`, `busy` and `processedCount`: the pool's.
  SubmissionQueue(Backend& backend, std::atomic<bool>& busy, std::uint64_t& processedCount,
                  const PoolOptions& options);
  /// Of one that is closed, or another process's.
  ~SubmissionQueue() override;

  /// Hands it out at once where a worker waits for it; else with others, at a later call. Throws
  /// PortabilityError, std::logic_error when the pool is busy.
  void submit(const std::shared_ptr<Submission>& submission);
  /// Hands out what can be and waits for what happens next, at most until `until`.
  void drive(std::optional<Time> until);
  bool cancel(Submission& submission);
  /// Waits until all is settled, and ends the operation. Throws what ended it early.
  void finish();
  /// Ends the operation now: all that is not settled is so with an Interrupted.
  void abandon();
  [[nodiscard]] bool isForeign() const;

 private:
  [[nodiscard]] const char* name() const override { return "submit"; }
  [[nodiscard]] Shape shape() const override;
  [[nodiscard]] KernelFactory* kernel() const override;
  void describe(PayloadWriter&) const override {}
  void encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) const override;
  void accept(std::uint64_t first, std::uint64_t count, ByteView results) override;
  [[nodiscard]] bool settles() const override { return true; }
  void itemFailed(std::uint64_t item, const std::exception_ptr& error) override;

  void begin();
  void add(const std::shared_ptr<Submission>& submission);
  void step(std::optional<Time> until);
  void end();
  void failOpen(const std::exception_ptr& error);
  /// After an attempt that failed: tries again, or settles it. `place`: among the submissions.
  void endAttempt(std::shared_ptr<Submission>& place, const std::exception_ptr& error);
  void settle(Submission& submission);
  [[nodiscard]] bool shouldStep() const;
  /// Throws PayloadError if none is open under this number, which another process told.
  [[nodiscard]] std::shared_ptr<Submission>& at(std::uint64_t item);
  void forgetSettled();

  Backend& backend_;
  std::atomic<bool>& busy_;
  std::uint64_t& processedCount_;
  PoolOptions options_;
  pid_t owner_;  // a process that inherited it by fork is not its owner
  bool isSerial_;

  std::unique_ptr<OperationLoop> loop_;                  // null between operations
  std::deque<std::shared_ptr<Submission>> submissions_;  // by item; null: settled
  std::uint64_t first_ = 0;                              // the item of the front
  std::uint64_t open_ = 0;                               // not settled
  std::uint64_t sinceIdle_ = 0;                          // submitted since nothing was open
  std::uint64_t workerCount_ = 0;
  Time busySince_{0};
  Time lastStep_{0};
  std::exception_ptr endedBy_;  // what ended the last operation early
};

}  // namespace procession::detail
