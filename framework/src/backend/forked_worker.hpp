#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "backend/arena.hpp"
#include "backend/backend.hpp"
#include "backend/frame.hpp"
#include "backend/shared_values.hpp"
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
                       [](const Chunk& chunk) { return chunk.id != kFree; });
  }
  /// False for one that said goodbye or cannot be trusted; its end will be reported.
  [[nodiscard]] bool isListening() const { return isConnected() && !deaf_; }
  void stopListening() { deaf_ = true; }
  /// The answer to the chunk was none that can be believed: if the worker ends, it was of that.
  void distrust(std::uint64_t chunk) { distrusted_ = chunk; }

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] int channel() const { return channel_.get(); }
  [[nodiscard]] const WorkerArena& arena() const { return arena_; }
  /// 0: neither the spawner nor the worker has told yet. The worker may be first, with an answer.
  [[nodiscard]] pid_t pid() const { return pid_ != 0 ? pid_ : arena_.introducedWorker(); }
  void setPid(pid_t pid) { pid_ = pid; }

  // Frames are collected until flush(). Sending to a process that is gone is no error: its end will
  // be reported.
  /// The operation and, before it, what was shared and released since the last one. Throws
  /// SystemError.
  void begin(const OperationSetup& setup, ArenaPayload& payload);
  void send(std::uint64_t operation, const Chunk& chunk, const Backend::Encoder& encode,
            ArenaPayload& payload);
  /// `answers`: the worker says when its part in the operation is over.
  void end(std::uint64_t operation, bool answers);
  void flush();

  /// The chunk's slot; empty when the worker does not have it.
  [[nodiscard]] std::optional<std::size_t> slotOf(std::uint64_t chunk) const;
  /// Frees the chunk's slot.
  void release(std::uint64_t chunk);
  /// True when the worker had not begun it; then it never will.
  [[nodiscard]] bool takeBack(std::uint64_t chunk);
  /// Has the worker leave a chunk that it has begun behind the item it is on. Returns how many
  /// items at the chunk's end it will never begin; 0 when that cannot be said for sure.
  [[nodiscard]] std::uint64_t cutShort(std::uint64_t chunk);
  /// The chunk as the worker has it. Throws PayloadError unless `done` items of it can be.
  [[nodiscard]] const Chunk& chunkOf(std::uint64_t chunk, std::uint64_t done) const;
  /// The chunk that a dead worker died of.
  [[nodiscard]] std::optional<std::uint64_t> begunChunk() const;
  /// Empty times for a chunk that it does not have.
  [[nodiscard]] Backend::Span spanOf(std::uint64_t chunk) const;
  /// The item of the chunk that the worker means, by what it told of it; empty when that is not to
  /// be believed.
  [[nodiscard]] std::optional<std::uint64_t> itemIn(std::uint64_t chunk,
                                                    std::optional<std::uint64_t> told) const;
  [[nodiscard]] std::optional<std::uint64_t> currentItem() const;
  /// How long it has been on that item; 0 where the operation does not tell.
  [[nodiscard]] Time timeOnItem() const;
  void stop(std::uint64_t operation);

  void notePayload(std::size_t bytes);
  /// Between operations: gives memory back that only large payloads needed.
  void trim();

 private:
  static constexpr std::uint64_t kFree = 0;

  void passOnSharedValues();
  [[nodiscard]] std::optional<std::uint64_t> spoiledChunk() const;
  [[nodiscard]] bool isOn(const Chunk& chunk) const;

  int number_ = 0;  // at the spawner
  pid_t pid_ = 0;   // 0: not reported yet
  bool connected_ = false;
  bool deaf_ = false;
  PrivateDescriptor channel_;
  WorkerArena arena_;
  std::array<std::uint32_t, WorkerArena::kSlots> tickets_{};  // of the chunks, by slot
  std::uint32_t lastTicket_ = 0;
  std::array<Chunk, WorkerArena::kSlots> chunks_{};  // in flight, by slot
  std::uint64_t distrusted_ = kFree;                 // a chunk
  std::size_t largestPayload_ = 0;                   // since the last trim
  FrameSender sender_;
  std::map<std::uint64_t, bool> values_;  // shared ones by id: sent (true), or perhaps inherited
  std::uint64_t valuesVersion_ = 0;       // of values_; 0: none was sent
};

}  // namespace procession::detail
