#include "backend/arena.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

// What a region may keep between operations.
constexpr std::size_t kKeptBytes = std::size_t{8} << 20;

std::int64_t now() { return Time(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

static_assert(std::atomic<std::uint64_t>::is_always_lock_free,
              "the board is shared between processes");

WorkerArena::WorkerArena() : file_(makeMemoryFile(kBytes)), mapping_(file_.get(), kBytes) {
  new (mapping_.data()) Control();
}

WorkerArena::WorkerArena(FileDescriptor file) : file_(std::move(file)) {
  if (sizeOfFile(file_.get()) != kBytes) {
    throw PayloadError(
        "malformed message from another process: its memory has not the size of an arena");
  }
  mapping_ = Mapping(file_.get(), kBytes);
}

void WorkerArena::offer(std::size_t slot, std::uint64_t ticket) {
  control()->claims[slot].store(ticket, std::memory_order_release);
}

bool WorkerArena::begin(std::size_t slot, std::uint64_t ticket) {
  if (!control()->claims[slot].compare_exchange_strong(ticket, ticket | kBegun)) {
    return false;
  }
  control()->finishedAt[slot].store(0, std::memory_order_relaxed);
  control()->begunAt[slot].store(now(), std::memory_order_relaxed);
  return true;
}

bool WorkerArena::takeBack(std::size_t slot, std::uint64_t ticket) {
  return control()->claims[slot].compare_exchange_strong(ticket, kTakenBack);
}

void WorkerArena::noteEnd(std::size_t slot) {
  control()->finishedAt[slot].store(now(), std::memory_order_relaxed);
}

void WorkerArena::finish(std::size_t slot, std::uint64_t ticket) {
  // Unless the parent, who has the answer already, has offered the slot again.
  std::uint64_t begun = ticket | kBegun;
  static_cast<void>(control()->claims[slot].compare_exchange_strong(begun, ticket | kFinished));
}

Time WorkerArena::begunAt(std::size_t slot) const {
  return Time(control()->begunAt[slot].load(std::memory_order_relaxed));
}

Time WorkerArena::finishedAt(std::size_t slot) const {
  return Time(control()->finishedAt[slot].load(std::memory_order_relaxed));
}

bool WorkerArena::isBegun(std::size_t slot, std::uint64_t ticket) const {
  return control()->claims[slot].load(std::memory_order_acquire) == (ticket | kBegun);
}

bool WorkerArena::isSpoiled(std::size_t slot, std::uint64_t ticket) const {
  const std::uint64_t claim = control()->claims[slot].load(std::memory_order_acquire);
  return claim != ticket && claim != (ticket | kBegun) && claim != (ticket | kFinished);
}

void WorkerArena::abandonInChild() noexcept {
  if (mapping_.makePrivate(file_.get())) {
    board().limit = 0;
  }
}

void WorkerArena::reset() { new (mapping_.data()) Control(); }

void WorkerArena::trim(std::size_t used) {
  if (used <= kKeptBytes) {
    return;
  }
  for (std::size_t index = 0; index < 2 * kSlots; ++index) {
    releaseMemory(file_.get(), kControlBytes + index * kSlotBytes + kKeptBytes,
                  kSlotBytes - kKeptBytes);
  }
}

ArenaPayload::ArenaPayload() : buffer_(std::make_unique_for_overwrite<InlineBuffer>()) {
  restart({});
}

void ArenaPayload::restart(std::span<std::byte> slot) {
  slot_ = slot;
  place_ = PayloadPlace::Inline;
  file_.reset();
  mapping_ = Mapping();
  assign(buffer_->bytes.data(), kLargestInline);
}

void ArenaPayload::grow(std::size_t capacity) {
  if (place_ == PayloadPlace::Inline && capacity <= slot_.size()) {
    if (size() != 0) {
      std::memcpy(slot_.data(), data(), size());
    }
    place_ = PayloadPlace::Slot;
    moveTo(slot_.data(), slot_.size());
  } else {
    moveToFile(capacity);
  }
}

void ArenaPayload::moveToFile(std::size_t capacity) {
  if (place_ == PayloadPlace::File) {
    resizeMemoryFile(file_.get(), capacity);
    mapping_.resize(capacity);
  } else {
    file_ = makeMemoryFile(capacity);
    mapping_ = Mapping(file_.get(), capacity);
    if (size() != 0) {
      std::memcpy(mapping_.data(), data(), size());
    }
    place_ = PayloadPlace::File;
  }
  moveTo(mapping_.data(), capacity);
}

ReceivedPayload::ReceivedPayload(const Frame& frame, std::span<std::byte> slot) {
  const std::uint64_t length = frame.header.length;
  const std::size_t available = frame.header.place == PayloadPlace::Slot ? slot.size()
                                : frame.header.place == PayloadPlace::File
                                    ? sizeOfFile(frame.file.get())
                                    : frame.payload.size();
  if (length > available) {
    throw PayloadError("malformed message from another process: a payload of " +
                       std::to_string(length) + " bytes does not fit the " +
                       std::to_string(available) + " bytes it lies in");
  }
  if (frame.header.place == PayloadPlace::Inline) {
    view_ = frame.payload;
  } else if (frame.header.place == PayloadPlace::Slot) {
    view_ = slot.first(length);
  } else if (length != 0) {
    mapping_ = Mapping(frame.file.get(), length);
    view_ = mapping_.bytes();
  }
}

}  // namespace procession::detail
