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
  const bool areLast = open_.count() / options_.leafItems < allCapacity_;
  if (load > 0 && ((isDear && areLast) || keepsBack())) {
    return std::nullopt;
  }
  Worker& worker = workers_.find(id)->second;
  const OpenRange range = open_.front();
  const std::uint64_t end = cut(range, wantedItems(worker));
  open_.takeUntil(end);

  unfile(id, worker);
  const Chunk chunk{++lastChunk_, range.first, end - range.first};
  worker.flights.push_back({chunk, range.sourceEnd, range.pieceLimit, now});
  ++worker.load;
  ++chunksInFlight_;
  if (options_.timeout > Time{0} && worker.flights.size() == 1) {
    worker.limitCheck = now + options_.timeout;
  }
  file(id, worker);
  return Action{.type = Action::Type::Assign, .worker = id, .chunk = chunk};
}

std::optional<Scheduler::Action> Scheduler::recall(Time now) {
  if (!isRecallWanted()) {
    return std::nullopt;
  }
  const WorkerId id = std::get<3>(*recallable_.begin());
  Worker& worker = workers_.find(id)->second;
  const bool idlesItself = worker.load == 0;  // has passed on all that it has
  if (now < recallTime(worker) || (idlesItself && idleWorkers_ == openRecalls_ + 1)) {
    return std::nullopt;
  }
  return ask(id, worker.flights.back());
}

std::optional<Scheduler::Action> Scheduler::recallOf(std::uint64_t item) {
  for (auto& [id, worker] : workers_) {
    const auto flight = findFlightOf(worker, item);
    if (flight != worker.flights.end()) {
      // A lone item is begun, or about to be: elsewhere it would only begin later.
      const bool isBegun = flight == worker.flights.begin() && flight->chunk.count == 1;
      const bool mayAsk = !isBegun && !worker.killItem && flight->recall != Flight::Recall::Asked &&
                          !options_.wholeNodes && !cancelled_;
      return mayAsk ? std::optional(ask(id, *flight)) : std::nullopt;
    }
  }
  return std::nullopt;
}

Scheduler::Action Scheduler::ask(WorkerId id, Flight& flight) {
  Worker& worker = workers_.find(id)->second;
  unfile(id, worker);
  flight.recall = Flight::Recall::Asked;
  ++openRecalls_;
  file(id, worker);
  return Action{.type = Action::Type::Recall, .worker = id, .chunk = flight.chunk};
}

std::optional<Time> Scheduler::nextRecall() const {
  if (!isRecallWanted() || !open_.isEmpty() || held_ || cancelled_) {
    return std::nullopt;
  }
  const Worker& worker = workers_.find(std::get<3>(*recallable_.begin()))->second;
  if (worker.load == 0 && idleWorkers_ == openRecalls_ + 1) {
    return std::nullopt;
  }
  return recallTime(worker);
}

/// When the worker's last chunk, or the end of its only one, may be asked back: at once if that is
/// likely to be worth the messages; else when it should have been done long ago.
Time Scheduler::recallTime(const Worker& worker) const {
  const Flight& last = worker.flights.back();
  const bool isWorthIt =
      worker.load > 1 ? size_.isWorthwhile(last.chunk.count / worker.capacity)
                      : mayBeDear() && last.recall == Flight::Recall::NotAsked && !last.isPassedOn;
  return isWorthIt ? last.since : last.since + last.patience;
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

/// A worker can give back the chunk behind the one it works on, and the end of the last one.
bool Scheduler::isRecallable(const Worker& worker) const {
  if (worker.killItem || worker.flights.empty()) {
    return false;
  }
  const Flight& last = worker.flights.back();
  if (worker.load > 1) {
    return last.recall == Flight::Recall::NotAsked;
  }
  // An agent that has passed on all that it has may still have this one behind another.
  const bool canBeGiven = last.chunk.count > 1 || worker.flights.size() > 1;
  return options_.splitsChunks && canBeGiven && last.recall != Flight::Recall::Asked;
}

Scheduler::RecallKey Scheduler::recallKey(WorkerId id, const Worker& worker) {
  const Flight& last = worker.flights.back();
  const bool isFirstTry = last.recall == Flight::Recall::NotAsked;
  return {worker.load > 1 ? 0 : isFirstTry ? 1 : 2, ~last.chunk.count, last.chunk.id, id};
}

}  // namespace procession::detail
