#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <optional>

#include "backend/backend.hpp"
#include "pool/chunk_driver.hpp"
#include "procession/detail/pool/operation.hpp"
#include "procession/pool_options.hpp"
#include "system/signal_scope.hpp"

namespace procession::detail {

/// One operation of the parent, from its first chunk to its last. It decides what ends the
/// operation early: a failed item, a signal, the deadline.
class OperationLoop final : private ChunkDriver::Owner {
 public:
  OperationLoop(Backend& backend, Operation& operation, const PoolOptions& options);

  /// Returns when all items are done. Throws what ended it early; no chunk is in flight then.
  void run();
  [[nodiscard]] std::uint64_t doneItems() const { return driver_.doneItems(); }

 private:
  void encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) override;
  void accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) override;
  void itemFailed(std::uint64_t item, const std::exception_ptr& error) override;
  void failed(const std::exception_ptr& error) override;
  void listenForStop() override;
  void stopRequested(int signal, bool again) override;
  [[nodiscard]] std::size_t waitingBytes() const override { return operation_.waitingBytes(); }

  void lookAtSignals();
  void lookAtTheClock();
  void interrupt(int signal, bool again);

  Operation& operation_;
  std::uint64_t itemCount_;
  SignalScope signals_;
  ChunkDriver driver_;
  std::map<std::uint64_t, std::exception_ptr> failures_;  // for good, by item
  std::exception_ptr error_;  // what ended the operation, when no item did
  int signalsSeen_ = 0;
  bool isInterrupted_ = false;
  std::optional<Time> deadline_;
};

}  // namespace procession::detail
