#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string>

namespace procession::detail {
namespace {

// A chunk in which a worker died of an unknown item is run in so many pieces. Fewer would cost more
// workers, more would cost more hand-overs: three workers find one item in 262,144.
constexpr std::uint64_t kSearchPieces = 64;

}  // namespace

Scheduler::Scheduler(SchedulerOptions options) : options_(options), size_(options.worthwhile) {
  if (options_.leafItems == 0 || options_.maxChunkItems == 0 || options_.chunksInFlight < 1 ||
      options_.retries < 0) {
    throw std::logic_error(
        "scheduler options: leafItems, maxChunkItems and chunksInFlight must be at least 1, "
        "retries at least 0");
  }
}

void Scheduler::addItems(std::uint64_t first, std::uint64_t count) {
  if (closed_) {
    throw std::logic_error("addItems() after closeItems()");
  }
  const std::uint64_t end = first + count;
  if (end < first || (options_.wholeNodes && first % options_.leafItems != 0)) {
    throw std::logic_error("items " + std::to_string(first) + " and " + std::to_string(count) +
                           " from there do not begin with a leaf, or do not exist");
  }
  open_.add({first, end, options_.wholeNodes ? end : 0});
  allItems_ += count;
}

std::uint64_t Scheduler::withdrawItems(std::uint64_t first, std::uint64_t count) {
  if (const auto behind = failures_.lower_bound(first + count); behind != failures_.begin()) {
    const std::uint64_t item = std::prev(behind)->first;
    if (item >= first) {
      count -= item + 1 - first;
      first = item + 1;
    }
  }
  const std::uint64_t taken = open_.takeEnd(first, first + count);
  allItems_ -= taken;
  return taken;
}

void Scheduler::closeItems() { closed_ = true; }

void Scheduler::addWorker(WorkerId id, int capacity, Time /*now*/) {
  if (capacity < 1) {
    throw std::logic_error("worker " + std::to_string(id) + " with a capacity of " +
                           std::to_string(capacity));
  }
  const auto [entry, isNew] = workers_.try_emplace(id);
  if (!isNew) {
    throw std::logic_error("worker " + std::to_string(id) + " is there already");
  }
  entry->second.capacity = static_cast<std::uint64_t>(capacity);
  file(id, entry->second);
}

void Scheduler::chunkDone(WorkerId id, std::uint64_t chunk, Time busy, Time now) {
  Flight flight = takeFlight(*find(id), chunk, now);
  size_.measure(flight.chunk.count, busy);
  settleBeginning(flight, flight.chunk.count);
}

void Scheduler::itemFailed(WorkerId id, std::uint64_t chunk, std::uint64_t item, std::uint64_t done,
                           Time now) {
  auto& worker = *find(id);
  const Chunk& sent = findFlight(worker, chunk)->chunk;
  if (item < sent.first || item >= sent.end()) {
    throw std::logic_error("item " + std::to_string(item) + " is not in chunk " +
                           std::to_string(chunk));
  }
  if (done > item - sent.first || (options_.wholeNodes && done > 0)) {
    throw std::logic_error(std::to_string(done) + " items of chunk " + std::to_string(chunk) +
                           " cannot be done");
  }
  Flight flight = takeFlight(worker, chunk, now);
  settleBeginning(flight, done);
  blame(flight, item, FailureKind::Threw);
}

void Scheduler::settleBeginning(Flight& flight, std::uint64_t done) {
  const std::uint64_t first = flight.chunk.first;
  failures_.erase(failures_.lower_bound(first), failures_.lower_bound(first + done));
  doneItems_ += done;
  flight.chunk.first += done;
  flight.chunk.count -= done;
}

void Scheduler::chunkPassedOn(WorkerId id, std::uint64_t chunk, Time /*now*/) {
  auto& worker = *find(id);
  const auto flight = findFlight(worker, chunk);
  if (!flight->isPassedOn) {
    unfile(id, worker.second);
    flight->isPassedOn = true;
    --worker.second.load;
    file(id, worker.second);
  }
}

void Scheduler::chunkAborted(WorkerId id, std::uint64_t chunk, std::uint64_t done, Time now) {
  auto& worker = *find(id);
  if (done > findFlight(worker, chunk)->chunk.count) {
    throw std::logic_error(std::to_string(done) + " items of chunk " + std::to_string(chunk) +
                           " cannot be done");
  }
  Flight flight = takeFlight(worker, chunk, now);
  settleBeginning(flight, done);
  reopen(flight);
}

void Scheduler::workerLost(WorkerId id, std::optional<std::uint64_t> item, bool timedOut,
                           Time /*now*/) {
  const auto entry = find(id);
  unfile(id, entry->second);
  Worker worker = std::move(entry->second);
  workers_.erase(entry);
  std::erase(kills_, id);
  chunksInFlight_ -= worker.flights.size();
  for (const Flight& flight : worker.flights) {
    endRecall(worker, flight);
  }

  // The item that exceeded its limit is to blame, wherever the worker had got to until the signal
  // came.
  const auto culprit = worker.killItem && (timedOut || !item) ? worker.killItem : item;
  auto guilty = culprit ? findFlightOf(worker, *culprit) : worker.flights.end();
  if (guilty != worker.flights.end()) {
    blame(*guilty, *culprit, timedOut ? FailureKind::TimedOut : FailureKind::WorkerLost);
  } else if (!timedOut && !cancelled_ && !worker.flights.empty()) {
    guilty = worker.flights.begin();
    search(*guilty);
  }
  for (auto flight = worker.flights.begin(); flight != worker.flights.end(); ++flight) {
    if (flight != guilty) {
      reopen(*flight);
    }
  }
}

void Scheduler::recalled(WorkerId id, std::uint64_t chunk, Time now) {
  auto& worker = *find(id);
  if (findFlight(worker, chunk)->recall != Flight::Recall::Asked) {
    throw std::logic_error("chunk " + std::to_string(chunk) + " comes back without a recall");
  }
  Flight flight = takeFlight(worker, chunk, now);
  worker.second.crossedRecalls.pop_back();  // this is the answer
  reopen(flight);
}

void Scheduler::shortened(WorkerId id, std::uint64_t chunk, std::uint64_t given, Time now) {
  auto& worker = *find(id);
  const auto flight = findFlight(worker, chunk);
  if (options_.wholeNodes || given == 0 || given >= flight->chunk.count) {
    throw std::logic_error(std::to_string(given) + " items of chunk " + std::to_string(chunk) +
                           " cannot come back");
  }
  unfile(id, worker.second);
  openRecalls_ -= flight->recall == Flight::Recall::Asked ? 1 : 0;
  flight->recall = Flight::Recall::Answered;
  flight->since = now;
  flight->chunk.count -= given;
  Flight end = *flight;
  end.chunk.first = flight->chunk.end();
  end.chunk.count = given;
  reopen(end);
  file(id, worker.second);
}

void Scheduler::recallRefused(WorkerId id, std::uint64_t chunk, Time now) {
  auto& [key, worker] = *find(id);
  if (std::erase(worker.crossedRecalls, chunk) > 0) {
    return;
  }
  const auto flight = findFlight(*find(id), chunk);
  if (flight->recall != Flight::Recall::Asked) {
    throw std::logic_error("chunk " + std::to_string(chunk) + " is refused without a recall");
  }
  unfile(id, worker);
  flight->recall = Flight::Recall::Answered;
  flight->since = now;
  flight->patience = std::min<Time>(2 * flight->patience, std::chrono::seconds(10));
  --openRecalls_;
  file(id, worker);
}

void Scheduler::observed(WorkerId id, std::uint64_t item, Time since, Time now) {
  auto& worker = find(id)->second;
  if (options_.timeout == Time{0} || worker.flights.empty() || worker.killItem) {
    return;
  }
  unfile(id, worker);
  // An item that is no longer in flight was seen just before its chunk came back: the next one has
  // only begun.
  const bool isCurrent = findFlightOf(worker, item) != worker.flights.end();
  worker.limitCheck = (isCurrent ? since : now) + options_.timeout;
  if (*worker.limitCheck <= now) {
    worker.limitCheck.reset();
    worker.killItem = item;
    kills_.push_back(id);
  }
  file(id, worker);
}

void Scheduler::limitChunkItems(std::uint64_t most) {
  options_.maxChunkItems = std::max(most, options_.leafItems);
}

void Scheduler::hold(bool held) { held_ = held; }

void Scheduler::cancel() { cancelled_ = true; }

std::optional<Scheduler::Action> Scheduler::nextAction(Time now) {
  if (!failed_.empty()) {
    const Action action = failed_.front();
    failed_.pop_front();
    return action;
  }
  if (!kills_.empty()) {
    const WorkerId worker = kills_.front();
    kills_.pop_front();
    return Action{.type = Action::Type::Kill,
                  .worker = worker,
                  .item = *find(worker)->second.killItem,
                  .failure = FailureKind::TimedOut};
  }
  // Who should be looked at but was not observed has not begun an item. Look again soon, but do not
  // spin.
  if (!limitChecks_.empty() && std::max(limitChecks_.begin()->first, nextLimitCheck_) <= now) {
    nextLimitCheck_ = now + std::max<Time>(options_.timeout / 16, std::chrono::milliseconds(1));
  }
  if (held_ || cancelled_) {
    return std::nullopt;
  }
  return open_.isEmpty() ? recall(now) : assign(now);
}

std::optional<Time> Scheduler::nextWakeUp() const {
  if (limitChecks_.empty()) {
    return std::nullopt;
  }
  return std::max(limitChecks_.begin()->first, nextLimitCheck_);
}

bool Scheduler::isFinished() const {
  const bool nothingToHandOut = cancelled_ || (closed_ && open_.isEmpty());
  return nothingToHandOut && chunksInFlight_ == 0 && failed_.empty() && kills_.empty();
}

bool Scheduler::isStranded() const { return workers_.empty() && openItems() > 0 && !cancelled_; }

// Parts of events.

Scheduler::Workers::iterator Scheduler::find(WorkerId id) {
  const auto worker = workers_.find(id);
  if (worker == workers_.end()) {
    throw std::logic_error("worker " + std::to_string(id) + " is not known, or lost already");
  }
  return worker;
}

std::vector<Scheduler::Flight>::iterator Scheduler::findFlight(Workers::value_type& worker,
                                                               std::uint64_t chunk) {
  auto& flights = worker.second.flights;
  const auto flight = std::ranges::find(flights, chunk, [](const Flight& f) { return f.chunk.id; });
  if (flight == flights.end()) {
    throw std::logic_error("worker " + std::to_string(worker.first) + " does not have chunk " +
                           std::to_string(chunk));
  }
  return flight;
}

std::vector<Scheduler::Flight>::iterator Scheduler::findFlightOf(Worker& worker,
                                                                 std::uint64_t item) {
  return std::ranges::find_if(worker.flights, [item](const Flight& flight) {
    return flight.chunk.first <= item && item < flight.chunk.end();
  });
}

Scheduler::Flight Scheduler::takeFlight(Workers::value_type& entry, std::uint64_t chunk, Time now) {
  auto& [id, worker] = entry;
  const auto found = findFlight(entry, chunk);
  const Flight flight = *found;
  unfile(id, worker);
  const bool wasWorkedOn = found == worker.flights.begin();
  worker.flights.erase(found);
  worker.load -= flight.isPassedOn ? 0 : 1;
  --chunksInFlight_;
  endRecall(worker, flight);

  const bool isCulpritBack = worker.killItem && *worker.killItem >= flight.chunk.first &&
                             *worker.killItem < flight.chunk.end();
  if (isCulpritBack && std::erase(kills_, id) > 0) {
    worker.killItem.reset();  // it was done in the last moment
  }
  if (worker.flights.empty() || worker.killItem) {
    worker.limitCheck.reset();
  } else if (wasWorkedOn && options_.timeout > Time{0}) {
    worker.limitCheck = now + options_.timeout;
  }
  file(id, worker);
  return flight;
}

void Scheduler::endRecall(Worker& worker, const Flight& flight) {
  if (flight.recall == Flight::Recall::Asked) {
    --openRecalls_;
    worker.crossedRecalls.push_back(flight.chunk.id);
  }
}

void Scheduler::reopen(const Flight& flight) {
  open_.add({flight.chunk.first, flight.chunk.end(), flight.sourceEnd, flight.pieceLimit});
}

void Scheduler::blame(const Flight& flight, std::uint64_t item, FailureKind kind) {
  const int attempts = ++failures_[item];
  if (attempts <= options_.retries) {
    reopen(flight);  // the hand-out knows by failures_ that the item goes alone
    return;
  }
  const std::uint64_t first = std::max(unitFirst(item), flight.chunk.first);
  const std::uint64_t end = std::min(unitFirst(item) + unitItems(), flight.chunk.end());
  failures_.erase(failures_.lower_bound(first), failures_.lower_bound(end));
  failedItems_ += end - first;
  open_.add({flight.chunk.first, first, flight.sourceEnd, flight.pieceLimit});
  open_.add({end, flight.chunk.end(), flight.sourceEnd, flight.pieceLimit});
  failed_.push_back(
      {.type = Action::Type::Fail, .item = item, .failure = kind, .attempts = attempts});
  if (options_.stopAtFailure) {
    cancel();
  }
}

void Scheduler::search(Flight flight) {
  const Chunk& chunk = flight.chunk;
  if (unitFirst(chunk.first) == unitFirst(chunk.end() - 1)) {
    blame(flight, chunk.first, FailureKind::WorkerLost);
    return;
  }
  const std::uint64_t piece = (chunk.count + kSearchPieces - 1) / kSearchPieces;
  flight.pieceLimit = std::max(unitItems(), piece);
  reopen(flight);
}

}  // namespace procession::detail
