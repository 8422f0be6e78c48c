#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "backend/arena.hpp"
#include "backend/backend.hpp"
#include "backend/frame.hpp"
#include "system/fork.hpp"

namespace procession::detail {

/// The parent's side of one worker: its channel, its arena, and which chunks it has. It starts
/// nothing and reaps nothing, and outlives the process: a replacement gets a new channel and the
/// same arena, whose memory is touched already.
class ForkedWorker {
 public:
  /// Throws SystemError.
  ForkedWorker() = default;

  /// For a new process: a fresh channel and board. Returns the worker's end of the channel. Throws
  /// SystemError.
  [[nodiscard]] FileDescriptor connect(int number);
  /// The process is gone, or could not be made.
  void disconnect();
  /// Closes the channel, at which the process ends; it counts as connected until its end is
  /// reported.
  void hangUp();
  [[nodiscard]] bool isConnected() const { return connected_; }
  /// Has chunks in flight.
  [[nodiscard]] bool isBusy() const {
    return std::any_of(chunks_.begin(), chunks_.end(),
                       [](std::uint64_t chunk) { return chunk != kFree; });
  }
  /// False for one that said goodbye or cannot be trusted; its end will be reported.
  [[nodiscard]] bool isListening() const { return isConnected() && !deaf_; }
  void stopListening() { deaf_ = true; }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] int channel() const { return channel_.get(); }
  [[nodiscard]] const WorkerArena& arena() const { return arena_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void setPid(pid_t pid) { pid_ = pid; }

  // Frames are collected until flush(). Sending to a process that is gone is no error: its end will
  // be reported.
  void begin(const OperationSetup& setup, ArenaPayload& payload);
  void send(std::uint64_t operation, const Chunk& chunk, const Backend::Encoder& encode,
            ArenaPayload& payload);
  void end(std::uint64_t operation);
  void flush();

  /// The chunk's slot; empty when the worker does not have it.
  [[nodiscard]] std::optional<std::size_t> slotOf(std::uint64_t chunk) const;
  /// Frees the chunk's slot.
  void release(std::uint64_t chunk);
  /// True when the worker had not begun it; then it never will.
  [[nodiscard]] bool takeBack(std::uint64_t chunk);
  [[nodiscard]] std::optional<std::uint64_t> begunChunk() const;
  [[nodiscard]] std::optional<std::uint64_t> currentItem() const;
  void stop(std::uint64_t operation);

  void notePayload(std::size_t bytes);
  /// Between operations: gives memory back that only large payloads needed.
  void trim();

 private:
  static constexpr std::uint64_t kFree = 0;

  int number_ = 0;  // at the spawner
  pid_t pid_ = 0;   // 0: not reported yet
  bool connected_ = false;
  bool deaf_ = false;
  PrivateDescriptor channel_;
  WorkerArena arena_;
  std::array<std::uint32_t, WorkerArena::kSlots> tickets_{};  // of the chunks, by slot
  std::uint32_t lastTicket_ = 0;
  std::array<std::uint64_t, WorkerArena::kSlots> chunks_{};  // in flight, by slot
  std::size_t largestPayload_ = 0;                           // since the last trim
  FrameSender sender_;
};

}  // namespace procession::detail
