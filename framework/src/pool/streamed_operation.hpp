#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "pool/busy_scope.hpp"
#include "pool/operation_loop.hpp"
#include "procession/detail/pool/running_operation.hpp"

namespace procession::detail {

/// A pool's operation whose results are taken bit by bit. Between steps the program's signals are
/// its own, and workers have what is in flight.
class StreamedOperation final : public RunningOperation {
 public:
  /// What of the pool it needs; all of it lives until detach().
  struct Pool {
    std::atomic<bool>& busy;
    std::uint64_t& processedCount;
    StreamedOperation*& running;  // is this one, while it lives
  };

  /// On `own` workers, or on those of `shared` where there are none. `pool` is empty in a process
  /// that inherited the pool. Throws PortabilityError.
  StreamedOperation(std::optional<Pool> pool, Backend* shared, std::unique_ptr<Backend> own,
                    Operation& operation, const PoolOptions& options);
  ~StreamedOperation() override;

  bool step() override;
  /// The pool ends: cancels what is not done, and lets go of it.
  void detach();

 private:
  void stop();
  void close();

  std::optional<Pool> pool_;  // empty when it is over, too
  pid_t owner_;               // a process that inherited it by fork is not its owner
  std::optional<BusyScope> busy_;
  std::unique_ptr<Backend> own_;
  std::unique_ptr<OperationLoop> loop_;  // null when it is over
  bool isCutOff_ = false;                // by the end of the pool
};

}  // namespace procession::detail
