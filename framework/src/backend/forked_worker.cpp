#include "backend/forked_worker.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace procession::detail {

FileDescriptor ForkedWorker::connect(int number) {
  SocketPair sockets = makeSocketPair();
  arena_.reset();
  chunks_.fill(kFree);
  sender_.clear();
  channel_ = PrivateDescriptor(std::move(sockets.first));
  connected_ = true;
  deaf_ = false;
  pid_ = 0;
  number_ = number;
  return std::move(sockets.second);
}

void ForkedWorker::hangUp() {
  channel_.reset();
  deaf_ = true;
}

void ForkedWorker::disconnect() {
  channel_.reset();
  connected_ = false;
  chunks_.fill(kFree);
  sender_.clear();
}

void ForkedWorker::begin(const OperationSetup& setup, ArenaPayload& payload) {
  payload.restart({});
  payload.write(setup.bytes.data(), setup.bytes.size());
  FrameHeader header;
  header.kind = FrameKind::Begin;
  header.place = payload.place();
  header.operation = setup.id;
  header.length = payload.size();
  static_cast<void>(sender_.add(channel(), header, payload.inlineBytes(), payload.takeFile()));
}

void ForkedWorker::send(std::uint64_t operation, const Chunk& chunk, const Backend::Encoder& encode,
                        ArenaPayload& payload) {
  const std::optional<std::size_t> slot = slotOf(kFree);
  if (!slot) {
    throw std::logic_error("a worker was handed more chunks than it has slots");
  }
  payload.restart(arena_.items(*slot));
  encode(payload, chunk.first, chunk.count);
  FrameHeader header;
  header.kind = FrameKind::Run;
  header.place = payload.place();
  header.slot = static_cast<std::uint32_t>(*slot);
  header.ticket = tickets_[*slot] = ++lastTicket_;
  header.operation = operation;
  header.chunk = chunk.id;
  header.first = chunk.first;
  header.count = chunk.count;
  header.length = payload.size();
  chunks_[*slot] = chunk.id;
  notePayload(payload.size());
  arena_.offer(*slot, header.ticket);
  static_cast<void>(sender_.add(channel(), header, payload.inlineBytes(), payload.takeFile()));
}

void ForkedWorker::end(std::uint64_t operation) {
  FrameHeader header;
  header.kind = FrameKind::End;
  header.operation = operation;
  static_cast<void>(sender_.add(channel(), header));
}

void ForkedWorker::flush() {
  if (channel_.isOpen()) {
    static_cast<void>(sender_.flush(channel()));
  }
}

std::optional<std::size_t> ForkedWorker::slotOf(std::uint64_t chunk) const {
  const auto found = std::find(chunks_.begin(), chunks_.end(), chunk);
  if (found == chunks_.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - chunks_.begin());
}

void ForkedWorker::release(std::uint64_t chunk) {
  std::replace(chunks_.begin(), chunks_.end(), chunk, kFree);
}

bool ForkedWorker::takeBack(std::uint64_t chunk) {
  const std::optional<std::size_t> slot = slotOf(chunk);
  if (!slot || !arena_.takeBack(*slot, tickets_[*slot])) {
    return false;
  }
  release(chunk);
  return true;
}

std::optional<std::uint64_t> ForkedWorker::begunChunk() const {
  for (std::size_t slot = 0; slot < chunks_.size(); ++slot) {
    if (chunks_[slot] != kFree && arena_.isBegun(slot, tickets_[slot])) {
      return chunks_[slot];
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ForkedWorker::currentItem() const {
  const std::uint64_t item = arena_.board().item.load(std::memory_order_relaxed);
  return item == WorkerBoard::kNoItem ? std::nullopt : std::optional(item);
}

void ForkedWorker::stop(std::uint64_t operation) {
  arena_.board().stopOperation.store(operation, std::memory_order_relaxed);
}

void ForkedWorker::notePayload(std::size_t bytes) {
  largestPayload_ = std::max(largestPayload_, bytes);
}

void ForkedWorker::trim() { arena_.trim(std::exchange(largestPayload_, 0)); }

}  // namespace procession::detail
