#include "backend/agents_backend.hpp"

#include <sched.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "backend/error_message.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/error.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

constexpr Time kAttentive = std::chrono::milliseconds(1);
constexpr Time kNap = std::chrono::milliseconds(1);
// Agents show life every 5 s while they work.
constexpr Time kLongestSilence = std::chrono::seconds(30);

/// The backends that are there, by number: messages for another than the one that waits.
std::map<std::uint32_t, AgentsBackend*>& backends() {
  // Never destroyed: the kept pool may end in a handler of exit().
  static auto* instance = new std::map<std::uint32_t, AgentsBackend*>;
  return *instance;
}

std::uint32_t nextPool() {
  static std::uint32_t last = 0;
  return ++last;
}

int allCores(const Ranks& ranks) {
  int cores = 0;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    cores += ranks.coresOf(rank);
  }
  return cores;
}

/// Workers of each rank: in proportion to its cores, as far as whole workers allow.
std::vector<int> spread(int workers, const Ranks& ranks) {
  std::vector<int> counts(static_cast<std::size_t>(ranks.size()));
  int left = workers;
  int coresLeft = allCores(ranks);
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const int cores = ranks.coresOf(rank);
    // Rounded up, so that early ranks, the parent's among them, get what cannot be divided.
    const auto share = (static_cast<std::int64_t>(left) * cores + coresLeft - 1) / coresLeft;
    counts[static_cast<std::size_t>(rank)] = static_cast<int>(share);
    left -= static_cast<int>(share);
    coresLeft -= cores;
  }
  return counts;
}

}  // namespace

AgentsBackend::AgentsBackend(Ranks& ranks, LocalAgent& local, int workerCount)
    : ranks_(ranks),
      local_(local),
      number_(nextPool()),
      agents_(static_cast<std::size_t>(ranks.size())),
      workerCount_(workerCount > 0 ? workerCount : allCores(ranks)) {
  const std::vector<int> counts = spread(workerCount_, ranks);
  for (int rank = 0; rank < ranks.size(); ++rank) {
    agent(rank).capacity = counts[static_cast<std::size_t>(rank)];
    largestCapacity_ = std::max(largestCapacity_, agent(rank).capacity);
    if (agent(rank).capacity > 0) {
      RankHeader header = headerOf(RankMessageKind::OpenPool);
      header.value = agent(rank).capacity;
      tell(rank, header);
    }
  }
  backends()[number_] = this;
}

AgentsBackend::~AgentsBackend() {
  backends().erase(number_);
  try {
    shutdown(Time(0));
  } catch (const Error&) {
    // The job is ending.
  }
}

RankHeader AgentsBackend::headerOf(RankMessageKind kind) const {
  RankHeader header;
  header.kind = kind;
  header.pool = number_;
  header.operation = setup_.id;
  return header;
}

void AgentsBackend::tell(int rank, RankHeader header, std::shared_ptr<const HeapPayload> payload) {
  if (rank == ranks_.rank()) {
    header.length = payload ? payload->size() : 0;
    local_.handle({rank, header, std::move(payload)});
  } else {
    ranks_.send(rank, header, std::move(payload));
  }
}

void AgentsBackend::tellAll(RankMessageKind kind, std::shared_ptr<const HeapPayload> payload) {
  // The others first: the parent's own agent acts at once, in the call.
  for (int rank = ranks_.size() - 1; rank >= 0; --rank) {
    if (agent(rank).capacity > 0) {
      tell(rank, headerOf(kind), payload);
    }
  }
}

void AgentsBackend::begin(const OperationSetup& setup, BackendEvents& events) {
  setup_ = setup;
  inbox_.clear();
  auto payload = std::make_shared<HeapPayload>();
  encode(*payload, setup.plan);
  payload->write(setup.bytes.data(), setup.bytes.size());
  const Time now = steadyNow();
  for (AgentState& state : agents_) {
    state.chunks = 0;
    state.lastHeard = now;
  }
  tellAll(RankMessageKind::Begin, std::move(payload));
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    if (agent(rank).capacity > 0) {
      events.workerReady(rank, agent(rank).capacity);
    }
  }
  lastEvent_ = now;
}

void AgentsBackend::send(int worker, const Chunk& chunk, const Encoder& encode) {
  auto payload = std::make_shared<HeapPayload>();
  const OperationShape& shape = setup_.plan.shape;
  if (shape.itemBytes != 0) {
    if (shape.rawItems) {
      payload->claim(shape.itemBytes * chunk.count);
      payload->truncate(0);
      encode(*payload, chunk.first, chunk.count);
    } else {
      // In front of the items, where each of them ends: the agent cuts the chunk for its workers.
      const std::size_t tableBytes = chunk.count * sizeof(std::uint64_t);
      payload->claim(tableBytes);
      for (std::uint64_t i = 0; i < chunk.count; ++i) {
        encode(*payload, chunk.first + i, 1);
        const std::uint64_t end = payload->size() - tableBytes;
        std::memcpy(payload->data() + i * sizeof end, &end, sizeof end);
      }
    }
  }
  RankHeader header = headerOf(RankMessageKind::Run);
  header.chunk = chunk.id;
  header.first = chunk.first;
  header.count = chunk.count;
  ++agent(worker).chunks;
  tell(worker, header, std::move(payload));
}

void AgentsBackend::recall(int worker, std::uint64_t chunk, BackendEvents&) {
  RankHeader header = headerOf(RankMessageKind::Recall);
  header.chunk = chunk;
  tell(worker, header);
}

void AgentsBackend::stop() {
  if (setup_.id != 0) {
    tellAll(RankMessageKind::Stop);
  }
}

void AgentsBackend::signal(int worker, int signal) {
  RankHeader header = headerOf(RankMessageKind::Signal);
  header.value = signal;
  tell(worker, header);
}

void AgentsBackend::wait(std::optional<Time> until, int wakeUp, BackendEvents& events) {
  if (broken_ != nullptr) {
    std::rethrow_exception(broken_);
  }
  while (true) {
    bool hasHappened = dispatchAll(events);
    const Time now = steadyNow();
    const bool isAttentive = now - lastEvent_ < kAttentive;
    Time nap = isAttentive || hasHappened ? Time(0) : now + kNap;
    if (until && nap > *until) {
      nap = *until;
    }
    hasHappened = local_.step(nap, wakeUp) || hasHappened;
    hasHappened = dispatchAll(events) || hasHappened;
    if (hasHappened) {
      lastEvent_ = steadyNow();
      return;
    }
    checkLife();
    if (!isAttentive || (until && now >= *until)) {
      return;  // the caller looks at its clock and its signals, and comes again
    }
    sched_yield();
  }
}

void AgentsBackend::receiveAll() {
  const auto deliver = [this](RankMessage message) {
    // What is about a rank, not about a pool of it, is for the one that waits.
    const auto target = backends().find(message.header.pool == 0 ? number_ : message.header.pool);
    if (target != backends().end()) {
      target->second->inbox_.push_back(std::move(message));
    }
  };
  while (std::optional<RankMessage> message = ranks_.receive()) {
    deliver(std::move(*message));
  }
  while (std::optional<RankMessage> message = local_.takeAnswer()) {
    deliver(std::move(*message));
  }
}

bool AgentsBackend::dispatchAll(BackendEvents& events) {
  receiveAll();
  bool hasHappened = false;
  while (!inbox_.empty()) {
    const RankMessage message = std::move(inbox_.front());
    inbox_.pop_front();
    agent(message.rank).lastHeard = steadyNow();
    dispatch(message, events);
    hasHappened = true;
  }
  return hasHappened;
}

void AgentsBackend::dispatch(const RankMessage& message, BackendEvents& events) {
  const RankHeader& header = message.header;
  const int rank = message.rank;
  if (header.kind == RankMessageKind::Stopped) {
    events.stopRequested(header.value, header.count > 1);
    return;
  }
  if (header.kind == RankMessageKind::Alive) {
    return;
  }
  if (header.kind == RankMessageKind::Failed && header.operation == 0) {
    PayloadReader reader(message.bytes());
    broken_ = decodeError(reader);
    std::rethrow_exception(broken_);
  }
  if (header.operation != setup_.id) {
    return;  // of an operation that is over
  }
  switch (header.kind) {
    case RankMessageKind::Done:
      --agent(rank).chunks;
      acceptRuns(message, events);
      events.chunkDone(rank, header.chunk, Time(static_cast<Time::rep>(header.nanoseconds)), {});
      break;
    case RankMessageKind::ItemFailed: {
      PayloadReader reader(message.bytes());
      events.itemFailed(rank, header.first, decodeError(reader));
      break;
    }
    case RankMessageKind::Failed: {
      PayloadReader reader(message.bytes());
      events.operationFailed(rank, decodeError(reader));
      break;
    }
    case RankMessageKind::Aborted:
      --agent(rank).chunks;
      events.chunkAborted(rank, header.chunk);
      break;
    case RankMessageKind::Recalled:
      agent(rank).chunks -= header.value;
      events.recallAnswered(rank, header.chunk, header.value != 0);
      break;
    case RankMessageKind::PassedOn:
      events.chunkPassedOn(rank, header.chunk);
      break;
    default:
      throw PayloadError("malformed message from rank " + std::to_string(rank) + " on " +
                         ranks_.hostOf(rank) + ": no answer of an agent");
  }
}

void AgentsBackend::acceptRuns(const RankMessage& message, BackendEvents& events) const {
  PayloadReader reader(message.bytes());
  const std::uint64_t items = setup_.plan.shape.items;
  while (reader.remaining() > 0) {
    RunHeader run;
    reader.read(&run, sizeof run);
    if (run.first >= items || run.count > items - run.first) {
      throw PayloadError("malformed message from rank " + std::to_string(message.rank) + " on " +
                         ranks_.hostOf(message.rank) + ": results of items that do not exist");
    }
    const std::byte* results = reader.take(run.length);
    events.partDone(message.rank, run.first, run.count, {results, run.length});
    reader.take(std::min(runPadding(run.length), reader.remaining()));
  }
}

void AgentsBackend::checkLife() {
  const Time now = steadyNow();
  if (now - lastLifeCheck_ < std::chrono::seconds(1)) {
    return;
  }
  lastLifeCheck_ = now;
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    if (rank != ranks_.rank() && agent(rank).chunks > 0 &&
        now - agent(rank).lastHeard > kLongestSilence) {
      log(LogLevel::Error, "error: rank " + std::to_string(rank) + " on " + ranks_.hostOf(rank) +
                               " has been silent for 30 s while it has work; it counts as lost, "
                               "and the job ends");
      ranks_.abort(EXIT_FAILURE);
    }
  }
}

void AgentsBackend::end() {
  tellAll(RankMessageKind::EndOperation);
  inbox_.clear();
  setup_ = {};
}

void AgentsBackend::shutdown(Time) {
  if (isOpen_ && activeRanks() == &ranks_) {  // else the job is over, and all pools with it
    isOpen_ = false;
    tellAll(RankMessageKind::ClosePool);
  }
}

}  // namespace procession::detail
