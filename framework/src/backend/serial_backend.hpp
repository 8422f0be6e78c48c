#pragma once

#include <deque>
#include <memory>

#include "backend/backend.hpp"
#include "backend/operation_runner.hpp"

namespace procession::detail {

/// Everything in the calling process, one chunk after the other, through the same encoding and
/// decoding as on the others: for debuggers, and for nested use inside a worker. A crash of the
/// callback is the program's.
class SerialBackend final : public Backend {
 public:
  SerialBackend();

  [[nodiscard]] int workerCount() const override { return 1; }
  void begin(const OperationSetup& setup, BackendEvents& events) override;
  void send(int worker, const Chunk& chunk, const Encoder& encode) override;
  void recall(int worker, std::uint64_t chunk, BackendEvents& events) override;
  void stop() override;
  void signal(int, int) override {}
  [[nodiscard]] std::optional<std::uint64_t> currentItem(int) const override {
    return std::nullopt;
  }
  /// Runs the oldest chunk.
  void wait(std::optional<Time> until, int wakeUp, BackendEvents& events) override;
  void end() override;
  void shutdown(Time) override {}

 private:
  struct Queued {
    Chunk chunk;
    std::unique_ptr<HeapPayload> items;
  };

  std::unique_ptr<WorkerBoard> board_;
  OperationRunner runner_;
  std::deque<Queued> queue_;
};

}  // namespace procession::detail
