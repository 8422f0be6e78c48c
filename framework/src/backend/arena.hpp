#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "backend/frame.hpp"
#include "procession/detail/backend/kernel.hpp"
#include "scheduler/scheduler.hpp"
#include "system/shared_memory.hpp"

namespace procession::detail {

/// The memory that a parent and one worker share: the worker's board, and two slots, one for the
/// chunk that is worked on and one for the next. A slot has room for a chunk's items and for its
/// results.
///
/// Slots are large, but only what is touched takes memory; touched memory stays with the pool,
/// since a fresh page costs more than the copy into it.
class WorkerArena {
 public:
  static constexpr std::size_t kSlots = 2;
  static constexpr std::size_t kSlotBytes = std::size_t{32}
                                            << 20;  // for items, and again for results

  /// A new one. Throws SystemError.
  WorkerArena();
  /// The other side of one, from its memfd.
  explicit WorkerArena(FileDescriptor file);

  [[nodiscard]] const FileDescriptor& file() const { return file_; }
  [[nodiscard]] WorkerBoard& board() const { return control()->board; }
  [[nodiscard]] std::span<std::byte> items(std::size_t slot) const { return region(2 * slot); }
  [[nodiscard]] std::span<std::byte> results(std::size_t slot) const {
    return region(2 * slot + 1);
  }

  // A chunk in a slot is begun by the worker or taken back by the parent; whoever comes first has
  // it. It goes by a ticket that no other hand-out to this worker has, in this operation or
  // another: the message about a chunk that was taken back may be read long afterwards.
  void offer(std::size_t slot, std::uint64_t ticket);
  [[nodiscard]] bool begin(std::size_t slot, std::uint64_t ticket);
  [[nodiscard]] bool takeBack(std::size_t slot, std::uint64_t ticket);
  /// By the worker, ahead of its answer: the callbacks are through with the chunk.
  void noteEnd(std::size_t slot);
  /// By the worker, when it is through with the chunk and its answer, whether or not that is under
  /// way.
  void finish(std::size_t slot, std::uint64_t ticket);
  /// When the worker began what was last in the slot, and was through with it, by the steady clock;
  /// 0: it has not, or not yet.
  [[nodiscard]] Time begunAt(std::size_t slot) const;
  [[nodiscard]] Time finishedAt(std::size_t slot) const;
  /// Begun and not finished: the chunk that a dead worker was on.
  [[nodiscard]] bool isBegun(std::size_t slot, std::uint64_t ticket) const;

  /// Neither offered nor begun nor finished: something wrote over it.
  [[nodiscard]] bool isSpoiled(std::size_t slot, std::uint64_t ticket) const;

  /// In a process that a callback forked: what it does is nothing of the worker's, and its parents
  /// do not see it. Whatever chunk it is in, it leaves behind the item.
  void abandonInChild() noexcept;

  /// The worker says who it is: an answer may be there before whoever forked it has told.
  void introduce(pid_t worker) { control()->worker = worker; }
  /// 0: it has not said so yet.
  [[nodiscard]] pid_t introducedWorker() const { return control()->worker; }

  /// Forgets what a dead worker left on the board.
  void reset();
  /// Gives memory beyond what is worth keeping back to the system. `used`: the largest payload
  /// since the last call.
  void trim(std::size_t used);

 private:
  static constexpr std::uint64_t kBegun = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kFinished = std::uint64_t{1} << 62;
  static constexpr std::uint64_t kTakenBack = kFinished - 1;
  static constexpr std::size_t kControlBytes = 4096;
  static constexpr std::size_t kBytes = kControlBytes + 2 * kSlots * kSlotBytes;

  struct Control {
    WorkerBoard board;
    std::array<std::atomic<std::uint64_t>, kSlots>
        claims;  // the ticket offered in each slot, with how far it has come
    std::array<std::atomic<std::int64_t>, kSlots> begunAt;     // ns
    std::array<std::atomic<std::int64_t>, kSlots> finishedAt;  // ns
    std::atomic<pid_t> worker;
  };

  [[nodiscard]] Control* control() const { return reinterpret_cast<Control*>(mapping_.data()); }
  [[nodiscard]] std::span<std::byte> region(std::size_t index) const {
    return mapping_.bytes().subspan(kControlBytes + index * kSlotBytes, kSlotBytes);
  }

  FileDescriptor file_;
  Mapping mapping_;
};

/// A payload on its way through an arena: small ones stay in a buffer and travel in the frame,
/// larger ones are written to a slot, the largest to a memfd of their own. Nothing is written twice
/// unless it grows from one to the next.
class ArenaPayload final : public PayloadWriter {
 public:
  ArenaPayload();

  /// Starts over; what outgrows the frame goes to `slot`.
  void restart(std::span<std::byte> slot);
  [[nodiscard]] PayloadPlace place() const { return place_; }
  /// The bytes for the frame; empty unless the place is Inline.
  [[nodiscard]] ByteView inlineBytes() const {
    return place_ == PayloadPlace::Inline ? view() : ByteView{};
  }
  /// The memfd; open only when the place is File.
  [[nodiscard]] FileDescriptor takeFile() { return std::move(file_); }

 private:
  /// Aligned like slots and messages, for results that are laid out raw.
  struct alignas(64) InlineBuffer {
    std::array<std::byte, kLargestInline> bytes;
  };

  void grow(std::size_t capacity) override;
  void moveToFile(std::size_t capacity);

  std::unique_ptr<InlineBuffer> buffer_;
  std::span<std::byte> slot_;
  PayloadPlace place_ = PayloadPlace::Inline;
  FileDescriptor file_;
  Mapping mapping_;  // of file_
};

/// A received payload where it lies. Throws PayloadError when the frame's words do not fit the
/// memory they name.
class ReceivedPayload {
 public:
  ReceivedPayload(const Frame& frame, std::span<std::byte> slot);
  [[nodiscard]] ByteView view() const { return view_; }

 private:
  Mapping mapping_;  // of the frame's file, if it has one
  ByteView view_;
};

}  // namespace procession::detail
