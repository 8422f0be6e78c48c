#include <algorithm>
#include <bit>

#include "scheduler/scheduler.hpp"

// The part of the scheduler that chooses: which worker, how many items, which chunk to ask back.

namespace procession::detail {

std::optional<Scheduler::Action> Scheduler::assign(Time now) {
  if (ready_.empty()) {
    return std::nullopt;
  }
  const auto [load, since, id] = *ready_.begin();
  // The last dear items are for whoever is idle first; a hand-over costs less than one of them.
  const bool isDear = size_.isKnown() && size_.isWorthwhile(options_.leafItems);
  if (load > 0 && isDear && open_.count() / options_.leafItems < allCapacity_) {
    return std::nullopt;
  }
  Worker& worker = workers_.find(id)->second;
  const OpenRange range = open_.front();
  const std::uint64_t end = cut(range, wantedItems(worker));
  open_.takeUntil(end);

  unfile(id, worker);
  const Chunk chunk{++lastChunk_, range.first, end - range.first};
  worker.flights.push_back({chunk, range.sourceEnd, range.pieceLimit});
  ++worker.load;
  ++chunksInFlight_;
  if (options_.timeout > Time{0} && worker.flights.size() == 1) {
    worker.limitCheck = now + options_.timeout;
  }
  file(id, worker);
  return Action{.type = Action::Type::Assign, .worker = id, .chunk = chunk};
}

std::optional<Scheduler::Action> Scheduler::recall() {
  if (idleWorkers_ <= openRecalls_ || recallable_.empty()) {
    return std::nullopt;
  }
  const WorkerId id = std::get<WorkerId>(*recallable_.begin());
  Worker& worker = workers_.find(id)->second;
  if (!size_.isWorthwhile(worker.flights.back().chunk.count / worker.capacity)) {
    return std::nullopt;
  }
  unfile(id, worker);
  Flight& flight = worker.flights.back();
  flight.recall = Flight::Recall::Asked;
  ++openRecalls_;
  file(id, worker);
  return Action{.type = Action::Type::Recall, .worker = id, .chunk = flight.chunk};
}

std::uint64_t Scheduler::wantedItems(const Worker& worker) const {
  const std::uint64_t wanted = size_.items({.openItems = open_.count(),
                                            .capacity = worker.capacity,
                                            .allCapacity = allCapacity_,
                                            .freeCapacity = freeCapacity_,
                                            .workers = workers_.size()});
  return std::min(wanted, options_.maxChunkItems);
}

/// Where a chunk of about `wanted` items from the beginning of the range ends.
std::uint64_t Scheduler::cut(const OpenRange& range, std::uint64_t wanted) const {
  OpenRange clear = range;  // up to the first item that failed before
  if (const auto failed = failures_.lower_bound(range.first); failed != failures_.end()) {
    const std::uint64_t unit = unitFirst(failed->first);
    if (unit <= range.first) {
      return std::min(unit + unitItems(), range.end);
    }
    if (unit < range.end) {
      clear.end = unit;
    }
  }
  wanted = std::min(wanted, range.pieceLimit);
  if (options_.wholeNodes) {
    return cutNode(clear, wanted);
  }
  const std::uint64_t leaf = options_.leafItems;
  std::uint64_t end = range.first + std::min(wanted, clear.end - range.first);
  if (range.pieceLimit >= leaf && end % leaf != 0 && end < clear.end) {
    const std::uint64_t below = end - end % leaf;
    end = below > range.first ? below : std::min(below + leaf, clear.end);
  }
  return end;
}

/// The largest node that begins with the range, has at most `wanted` items (but a leaf at least)
/// and lies in the range. At the end of its source the last node may be clipped.
std::uint64_t Scheduler::cutNode(const OpenRange& range, std::uint64_t wanted) const {
  const std::uint64_t leaf = options_.leafItems;
  const std::uint64_t available = range.end - range.first;
  std::uint64_t leaves = std::bit_floor(std::max<std::uint64_t>(1, wanted / leaf));
  if (const std::uint64_t position = range.first / leaf; position != 0) {
    leaves = std::min(leaves, std::uint64_t{1} << std::countr_zero(position));
  }
  while (leaves > 1 && leaves > available / leaf && range.end != range.sourceEnd) {
    leaves /= 2;
  }
  return leaves > available / leaf ? range.end : range.first + leaves * leaf;
}

void Scheduler::file(WorkerId id, Worker& worker) {
  worker.waitingSince = ++lastWaiting_;
  if (!worker.killItem) {
    allCapacity_ += worker.capacity;
    idleWorkers_ += worker.load == 0 ? 1 : 0;
  }
  if (mayGetMore(worker)) {
    const auto slots = static_cast<std::size_t>(options_.chunksInFlight);
    freeCapacity_ += worker.capacity * (slots - worker.load);
    ready_.emplace(worker.load, worker.waitingSince, id);
  }
  if (isRecallable(worker)) {
    recallable_.insert(recallKey(id, worker));
  }
  if (worker.limitCheck) {
    limitChecks_.emplace(*worker.limitCheck, id);
  }
}

void Scheduler::unfile(WorkerId id, Worker& worker) {
  if (!worker.killItem) {
    allCapacity_ -= worker.capacity;
    idleWorkers_ -= worker.load == 0 ? 1 : 0;
  }
  if (mayGetMore(worker)) {
    const auto slots = static_cast<std::size_t>(options_.chunksInFlight);
    freeCapacity_ -= worker.capacity * (slots - worker.load);
    ready_.erase({worker.load, worker.waitingSince, id});
  }
  if (isRecallable(worker)) {
    recallable_.erase(recallKey(id, worker));
  }
  if (worker.limitCheck) {
    limitChecks_.erase({*worker.limitCheck, id});
  }
}

bool Scheduler::mayGetMore(const Worker& worker) const {
  return !worker.killItem && worker.load < static_cast<std::size_t>(options_.chunksInFlight);
}

bool Scheduler::isRecallable(const Worker& worker) {
  return !worker.killItem && worker.load > 1 && !worker.flights.back().isPassedOn &&
         worker.flights.back().recall == Flight::Recall::NotAsked;
}

Scheduler::RecallKey Scheduler::recallKey(WorkerId id, const Worker& worker) {
  const Chunk& chunk = worker.flights.back().chunk;
  return {~chunk.count, chunk.id, id};
}

}  // namespace procession::detail
