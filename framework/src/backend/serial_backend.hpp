#pragma once

#include <deque>
#include <memory>

#include "backend/backend.hpp"
#include "backend/operation_runner.hpp"

namespace procession::detail {

/// Everything in the calling process, one chunk after the other, through the same encoding and
/// decoding as on the others: for debuggers, and for nested use inside a worker. A crash of the
/// callback is the program's.
///
/// Nobody could interrupt a long chunk; so it does no more of one than is likely to take some
/// milliseconds, and gives the rest back.
class SerialBackend final : public Backend {
 public:
  SerialBackend();

  [[nodiscard]] int workerCount() const override { return 1; }
  /// So that items are done in their order, although chunks are cut.
  [[nodiscard]] int chunksInFlight() const override { return 1; }
  void begin(const OperationSetup& setup, BackendEvents& events) override;
  void send(int worker, const Chunk& chunk, const Encoder& encode) override;
  void recall(int worker, std::uint64_t chunk, BackendEvents& events) override;
  void stop() override;
  void signal(int, int) override {}
  [[nodiscard]] std::optional<std::uint64_t> currentItem(int) const override {
    return std::nullopt;
  }
  [[nodiscard]] Span spanOf(int, std::uint64_t) const override { return span_; }
  /// Runs the oldest chunk.
  void wait(std::optional<Time> until, int wakeUp, BackendEvents& events) override;
  void end(int wakeUp) override;
  void shutdown(Time) override {}

 private:
  struct Queued {
    Chunk chunk;
    std::uint64_t count = 0;  // of its items, that are done
    std::unique_ptr<HeapPayload> items;
  };

  std::unique_ptr<WorkerBoard> board_;
  OperationRunner runner_;
  void learn(Time took);

  std::deque<Queued> queue_;
  bool mayCut_ = false;
  std::uint64_t atOnce_ = 1;  // items
  Span span_;                 // of the last chunk
};

}  // namespace procession::detail
