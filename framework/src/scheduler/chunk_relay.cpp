#include "scheduler/chunk_relay.hpp"

#include <algorithm>

namespace procession::detail {

std::uint64_t overlap(const Chunk& chunk, std::uint64_t first, std::uint64_t count) {
  const std::uint64_t from = std::max(chunk.first, first);
  const std::uint64_t to = std::min(chunk.end(), first + count);
  return to > from ? to - from : 0;
}

void ChunkRelay::receive(const Chunk& chunk) {
  entries_.push_back({.chunk = chunk, .toHandOut = chunk.count, .toDo = chunk.count});
}

std::uint64_t ChunkRelay::giveBack(std::uint64_t chunk) {
  const auto entry =
      std::ranges::find(entries_, chunk, [](const Entry& each) { return each.chunk.id; });
  if (entry == entries_.end()) {
    return 0;
  }
  std::uint64_t given = entry->kept();
  if (!wholeChunks_) {
    const std::uint64_t withdrawn = scheduler_.withdrawItems(entry->chunk.first, entry->fed);
    entry->fed -= withdrawn;
    given += withdrawn;
  }
  entry->chunk.count -= given;
  entry->toHandOut -= std::min(entry->toHandOut, given);
  entry->toDo -= given;
  if (entry->chunk.count == 0) {
    entries_.erase(entry);
    return given;
  }
  announce();
  settleDone();
  return given;
}

void ChunkRelay::feed() {
  for (Entry& entry : entries_) {
    if (scheduler_.isCancelled()) {
      return;
    }
    const std::uint64_t needed = entry.kept() > 0 ? neededItems(entry) : 0;
    if (needed > 0) {
      scheduler_.addItems(entry.chunk.first + entry.fed, needed);
      entry.fed += needed;
    }
    if (entry.kept() > 0) {
      break;
    }
  }
  announce();
}

/// Of what is kept of the entry.
std::uint64_t ChunkRelay::neededItems(const Entry& entry) const {
  const std::uint64_t waiting = scheduler_.waitingItems();
  if (!scheduler_.keepsBack()) {
    return waiting < entry.chunk.count / 4 + 1 ? entry.kept() : 0;
  }
  if (!hasHungryWorker()) {
    return 0;
  }
  if (wholeChunks_) {
    return waiting == 0 ? entry.kept() : 0;
  }
  return std::min(entry.kept(), scheduler_.idleWorkers() - waiting);
}

bool ChunkRelay::hasHungryWorker() const {
  return scheduler_.idleWorkers() > scheduler_.waitingItems();
}

void ChunkRelay::handedOut(const Chunk& workersChunk) {
  for (Entry& entry : entries_) {
    // Not more than there is: a worker may have given it back since.
    entry.toHandOut -=
        std::min(entry.toHandOut, overlap(entry.chunk, workersChunk.first, workersChunk.count));
  }
  announce();
}

/// Tells the parent of the chunks that are passed on.
void ChunkRelay::announce() {
  const bool isRoom = !scheduler_.keepsBack() || hasHungryWorker();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    const auto next = std::next(entry);
    const bool hasNextBegun = next != entries_.end() && next->fed > 0;
    if (!entry->isPassedOn && entry->toHandOut == 0 && (isRoom || hasNextBegun)) {
      entry->isPassedOn = true;
      answers_.push_back({.type = Answer::Type::PassedOn, .chunk = entry->chunk});
    }
  }
}

void ChunkRelay::done(std::uint64_t first, std::uint64_t count, Time busy) {
  for (Entry& entry : entries_) {
    const std::uint64_t part = overlap(entry.chunk, first, count);
    if (part > 0) {
      entry.toDo -= std::min(entry.toDo, part);
      entry.busy += busy * static_cast<std::int64_t>(part) / static_cast<std::int64_t>(count);
    }
  }
  settleDone();
}

void ChunkRelay::settleDone() {
  for (const Entry& entry : entries_) {
    if (entry.toDo == 0) {
      answers_.push_back({.type = Answer::Type::Done, .chunk = entry.chunk, .busy = entry.busy});
    }
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.toDo == 0; });
}

std::optional<ChunkRelay::Answer> ChunkRelay::nextAnswer() {
  if (answers_.empty()) {
    return std::nullopt;
  }
  const Answer answer = answers_.front();
  answers_.pop_front();
  return answer;
}

}  // namespace procession::detail
