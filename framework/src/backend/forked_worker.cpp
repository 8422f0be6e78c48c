#include "backend/forked_worker.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "procession/error.hpp"
#include "system/barrier.hpp"

namespace procession::detail {

FileDescriptor ForkedWorker::connect(int number) {
  SocketPair sockets = makeSocketPair();
  arena_.reset();
  chunks_.fill({});
  sender_.clear();
  channel_ = PrivateDescriptor(std::move(sockets.first));
  connected_ = true;
  deaf_ = false;
  distrusted_ = kFree;
  pid_ = 0;
  number_ = number;
  values_.clear();
  for (const SharedValues::Value& value : sharedValues().list()) {
    values_.emplace(value.id, false);
  }
  valuesVersion_ = 0;
  return std::move(sockets.second);
}

void ForkedWorker::hangUp() {
  channel_.reset();
  deaf_ = true;
}

void ForkedWorker::disconnect() {
  channel_.reset();
  connected_ = false;
  chunks_.fill({});
  sender_.clear();
}

void ForkedWorker::passOnSharedValues() {
  const std::uint64_t version = sharedValues().version();
  if (version == valuesVersion_) {
    return;
  }
  const std::vector<SharedValues::Value> values = sharedValues().list();
  FrameHeader header;
  header.kind = FrameKind::Forget;
  std::erase_if(values_, [&](const auto& known) {
    const bool isReleased = std::none_of(
        values.begin(), values.end(), [&](const auto& value) { return value.id == known.first; });
    if (isReleased) {
      header.first = known.first;
      static_cast<void>(sender_.add(channel(), header));
    }
    return isReleased;
  });
  header.kind = FrameKind::Share;
  header.place = PayloadPlace::File;
  for (const SharedValues::Value& value : values) {
    bool& isSent = values_[value.id];
    if (!std::exchange(isSent, true)) {
      FileDescriptor file = duplicate(value.memory->descriptor());
      header.first = value.id;
      header.length = value.memory->bytes().size();
      static_cast<void>(sender_.add(channel(), header, {}, std::move(file)));
    }
  }
  flush();  // no operation may follow that wakes this worker, and memory is to be free
  valuesVersion_ = version;
}

void ForkedWorker::begin(const OperationSetup& setup, ArenaPayload& payload) {
  passOnSharedValues();
  payload.restart({});
  payload.write(setup.bytes.data(), setup.bytes.size());
  FrameHeader header;
  header.kind = FrameKind::Begin;
  header.place = payload.place();
  header.operation = setup.id;
  header.count = setup.plan.shape.answersAtOnce ? 1 : 0;
  header.length = payload.size();
  static_cast<void>(sender_.add(channel(), header, payload.inlineBytes(), payload.takeFile()));
}

void ForkedWorker::send(std::uint64_t operation, const Chunk& chunk, const Backend::Encoder& encode,
                        ArenaPayload& payload) {
  const std::optional<std::size_t> slot = slotOf(kFree);
  if (!slot) {
    throw std::logic_error("a worker was handed more chunks than it has slots");
  }
  passOnSharedValues();  // of an operation that was begun long ago
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
  chunks_[*slot] = chunk;
  notePayload(payload.size());
  arena_.offer(*slot, header.ticket);
  static_cast<void>(sender_.add(channel(), header, payload.inlineBytes(), payload.takeFile()));
}

void ForkedWorker::end(std::uint64_t operation, bool answers) {
  FrameHeader header;
  header.kind = FrameKind::End;
  header.count = answers ? 1 : 0;
  header.operation = operation;
  static_cast<void>(sender_.add(channel(), header));
}

void ForkedWorker::flush() {
  if (channel_.isOpen()) {
    static_cast<void>(sender_.flush(channel()));
  }
}

std::optional<std::size_t> ForkedWorker::slotOf(std::uint64_t chunk) const {
  const auto found = std::ranges::find(chunks_, chunk, &Chunk::id);
  if (found == chunks_.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - chunks_.begin());
}

void ForkedWorker::release(std::uint64_t chunk) {
  std::ranges::replace(chunks_, chunk, Chunk{}, &Chunk::id);
}

bool ForkedWorker::takeBack(std::uint64_t chunk) {
  const std::optional<std::size_t> slot = slotOf(chunk);
  if (!slot || !arena_.takeBack(*slot, tickets_[*slot])) {
    return false;
  }
  release(chunk);
  return true;
}

std::uint64_t ForkedWorker::cutShort(std::uint64_t chunk) {
  const std::optional<std::size_t> slot = slotOf(chunk);
  const std::optional<std::uint64_t> before = currentItem();
  if (!slot || !before || !arena_.isBegun(*slot, tickets_[*slot])) {
    return 0;
  }
  Chunk& begun = chunks_[*slot];
  const std::uint64_t limit = *before + 1;
  if (*before < begun.first || limit >= begun.end()) {
    return 0;
  }
  arena_.board().limit = limit;
  if (!haveBarriersExecuted()) {
    return 0;
  }
  // Either the worker has seen the limit before it looks at the item there, or we see it on that
  // item or beyond. Then it may have seen it nevertheless: its answer will tell.
  const std::optional<std::uint64_t> now = currentItem();
  if (!now || *now < begun.first || *now >= limit || !arena_.isBegun(*slot, tickets_[*slot])) {
    return 0;
  }
  const std::uint64_t given = begun.end() - limit;
  begun.count -= given;
  return given;
}

const Chunk& ForkedWorker::chunkOf(std::uint64_t chunk, std::uint64_t done) const {
  const std::optional<std::size_t> slot = slotOf(chunk);
  if (!slot || done > chunks_[*slot].count) {
    throw PayloadError("malformed message from a worker: it did other items than it was given");
  }
  return chunks_[*slot];
}

std::optional<std::uint64_t> ForkedWorker::begunChunk() const {
  if (distrusted_ != kFree && slotOf(distrusted_)) {
    return distrusted_;
  }
  for (std::size_t slot = 0; slot < chunks_.size(); ++slot) {
    if (chunks_[slot].id != kFree && arena_.isBegun(slot, tickets_[slot])) {
      return chunks_[slot].id;
    }
  }
  return spoiledChunk();
}

/// Where a callback wrote over the claims: the chunk of the item that the worker tells of, or else
/// the one that was sent first.
std::optional<std::uint64_t> ForkedWorker::spoiledChunk() const {
  std::optional<std::size_t> found;
  for (std::size_t slot = 0; slot < chunks_.size(); ++slot) {
    const std::uint64_t chunk = chunks_[slot].id;
    if (chunk == kFree || !arena_.isSpoiled(slot, tickets_[slot])) {
      continue;
    }
    if (isOn(chunks_[slot])) {
      return chunk;
    }
    if (!found || tickets_[slot] < tickets_[*found]) {
      found = slot;
    }
  }
  return found ? std::optional(chunks_[*found].id) : std::nullopt;
}

bool ForkedWorker::isOn(const Chunk& chunk) const {
  const std::optional<std::uint64_t> item = currentItem();
  return item && *item >= chunk.first && *item < chunk.end();
}

Backend::Span ForkedWorker::spanOf(std::uint64_t chunk) const {
  const std::optional<std::size_t> slot = slotOf(chunk);
  return slot ? Backend::Span{pid(), arena_.begunAt(*slot), arena_.finishedAt(*slot)}
              : Backend::Span{pid()};
}

std::optional<std::uint64_t> ForkedWorker::currentItem() const {
  const std::uint64_t item = arena_.board().item.load(std::memory_order_relaxed);
  return item == WorkerBoard::kNoItem ? std::nullopt : std::optional(item);
}

Time ForkedWorker::timeOnItem() const {
  const auto since = Time(static_cast<Time::rep>(arena_.board().since.load()));
  return since == Time(0) ? since : std::max(Time(0), steadyNow() - since);
}

std::optional<std::uint64_t> ForkedWorker::itemIn(std::uint64_t chunk,
                                                  std::optional<std::uint64_t> told) const {
  const std::optional<std::size_t> slot = slotOf(chunk);
  if (!slot) {
    return std::nullopt;
  }
  const Chunk& begun = chunks_[*slot];
  if (told && *told >= begun.first && *told < begun.end()) {
    return told;
  }
  return begun.count == 1 ? std::optional(begun.first) : std::nullopt;
}

void ForkedWorker::stop(std::uint64_t operation) {
  arena_.board().stopOperation = operation;
  arena_.board().limit = 0;
}

void ForkedWorker::notePayload(std::size_t bytes) {
  largestPayload_ = std::max(largestPayload_, bytes);
}

void ForkedWorker::trim() { arena_.trim(std::exchange(largestPayload_, 0)); }

}  // namespace procession::detail
