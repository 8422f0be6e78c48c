#include "backend/agents_backend.hpp"

#include <sched.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>

#include "backend/error_message.hpp"
#include "backend/value_exchange.hpp"
#include "backend/value_sender.hpp"
#include "procession/error.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

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

AgentsBackend::AgentsBackend(MailRoom& room, int workerCount)
    : room_(room),
      ranks_(room.ranks()),
      inbox_(std::make_shared<Inbox>()),
      number_(room.enter(inbox_)),
      agents_(static_cast<std::size_t>(ranks_.size())),
      workerCount_(workerCount > 0 ? workerCount : allCores(ranks_)) {
  const std::vector<int> counts = spread(workerCount_, ranks_);
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    agent(rank).capacity = counts[static_cast<std::size_t>(rank)];
    largestCapacity_ = std::max(largestCapacity_, agent(rank).capacity);
    if (agent(rank).capacity > 0) {
      RankHeader header = headerOf(RankMessageKind::OpenPool);
      header.value = agent(rank).capacity;
      room_.send(rank, header);
    }
  }
}

AgentsBackend::~AgentsBackend() {
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

void AgentsBackend::tellAll(RankMessageKind kind, std::shared_ptr<const HeapPayload> payload,
                            int value) {
  RankHeader header = headerOf(kind);
  header.value = value;
  // The others first: the parent's own agent acts at once, in the call.
  for (int rank = ranks_.size() - 1; rank >= 0; --rank) {
    if (agent(rank).capacity > 0) {
      room_.send(rank, header, payload);
    }
  }
}

void AgentsBackend::begin(const OperationSetup& setup, BackendEvents& events) {
  if (broken_ != nullptr) {
    std::rethrow_exception(broken_);
  }
  setup_ = setup;
  trafficBefore_ = ranks_.traffic();
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    addChunks(rank, -agent(rank).chunks);
  }
  room_.beginWork();
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    if (agent(rank).capacity > 0) {
      bringValuesTo(rank);
    }
  }
  tellAll(RankMessageKind::Begin, setup.message);
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    if (agent(rank).capacity > 0) {
      events.workerReady(rank, agent(rank).capacity);
    }
  }
  room_.expectAnswer();
}

void AgentsBackend::send(int worker, const Chunk& chunk, const Encoder& encode) {
  std::shared_ptr<const HeapPayload> items = itemsOf(chunk, encode);
  RankHeader header = headerOf(RankMessageKind::Run);
  header.chunk = chunk.id;
  header.first = chunk.first;
  header.count = chunk.count;
  bringValuesTo(worker);  // of an operation that was begun long ago
  addChunks(worker, 1);
  room_.send(worker, header, std::move(items));
}

std::shared_ptr<const HeapPayload> AgentsBackend::itemsOf(const Chunk& chunk,
                                                          const Encoder& encode) const {
  const OperationShape& shape = setup_.plan.shape;
  if (setup_.items != nullptr) {
    return HeapPayload::borrow(
        {setup_.items + chunk.first * shape.itemBytes, chunk.count * shape.itemBytes});
  }
  auto payload = std::make_shared<HeapPayload>();
  if (shape.itemBytes == 0) {
    return payload;
  }
  if (shape.rawItems) {
    payload->claim(shape.itemBytes * chunk.count);
    payload->truncate(0);
    encode(*payload, chunk.first, chunk.count);
    return payload;
  }
  // In front of the items, where each of them ends: the agent cuts the chunk for its workers.
  const std::size_t tableBytes = chunk.count * sizeof(std::uint64_t);
  payload->claim(tableBytes);
  for (std::uint64_t i = 0; i < chunk.count; ++i) {
    encode(*payload, chunk.first + i, 1);
    const std::uint64_t end = payload->size() - tableBytes;
    std::memcpy(payload->data() + i * sizeof end, &end, sizeof end);
  }
  return payload;
}

void AgentsBackend::recall(int worker, std::uint64_t chunk, BackendEvents&) {
  RankHeader header = headerOf(RankMessageKind::Recall);
  header.chunk = chunk;
  room_.send(worker, header);
}

void AgentsBackend::stop() {
  if (setup_.id != 0) {
    tellAll(RankMessageKind::Stop);
  }
}

void AgentsBackend::signal(int worker, int signal) {
  RankHeader header = headerOf(RankMessageKind::Signal);
  header.value = signal;
  room_.send(worker, header);
}

void AgentsBackend::wait(std::optional<Time> until, int wakeUp, BackendEvents& events) {
  try {
    waitForEvents(until, wakeUp, events);
  } catch (...) {
    broken_ = std::current_exception();
    abandon();
    throw;
  }
}

/// The operation ends in its midst, without end(), and its items may soon be gone: the pool with
/// all its operations is closed on every rank, and what is on its way to them arrives.
void AgentsBackend::abandon() {
  shutdown(Time(0));
  letSendsArrive();
  setup_ = {};
}

void AgentsBackend::letSendsArrive() {
  while (ranks_.unsentBytes() > 0) {
    room_.serve();
    sched_yield();
  }
}

void AgentsBackend::waitForEvents(std::optional<Time> until, int wakeUp, BackendEvents& events) {
  // Results of the parent's own rank, where its workers wrote them.
  const LocalAgent::TakeResults take = [&](const RankHeader& run, ByteView results) {
    const bool isOurs = run.pool == number_ && run.operation == setup_.id;
    if (isOurs) {
      events.partDone(ranks_.rank(), run.first, run.count, Time(0), results);
    }
    return isOurs;
  };
  // What another operation's wait took in, first.
  while (!dispatchAll(events)) {
    const bool hasHappened = room_.wait(until, wakeUp, take);
    if (dispatchAll(events) || hasHappened || !room_.isAttentive() ||
        (until && steadyNow() >= *until)) {
      return;  // the caller looks at its clock and its signals, and comes again
    }
  }
}

bool AgentsBackend::dispatchAll(BackendEvents& events) {
  bool hasHappened = false;
  while (const auto stop = room_.takeStopRequest()) {
    events.stopRequested(stop->signal, stop->isRepeated);
    hasHappened = true;
  }
  while (!inbox_->messages.empty()) {
    const RankMessage message = std::move(inbox_->messages.front());
    inbox_->messages.pop_front();
    dispatch(message, events);
    hasHappened = true;
  }
  return hasHappened;
}

void AgentsBackend::addChunks(int rank, int count) {
  agent(rank).chunks += count;
  room_.addWork(rank, count);
}

/// What contradicts all that was handed out is no message either, though every field may be one.
void AgentsBackend::dispatch(const RankMessage& message, BackendEvents& events) {
  try {
    takeAnswer(message, events);
  } catch (const std::logic_error& contradiction) {
    throw malformed(message, contradiction.what());
  }
}

PayloadError AgentsBackend::malformed(const RankMessage& message, const std::string& what) const {
  return PayloadError("malformed message from rank " + std::to_string(message.rank) + " on " +
                      ranks_.hostOf(message.rank) + ": " + what);
}

void AgentsBackend::takeAnswer(const RankMessage& message, BackendEvents& events) {
  const RankHeader& header = message.header;
  const int rank = message.rank;
  if (header.kind == RankMessageKind::Failed && header.operation == 0) {
    PayloadReader reader(message.bytes());
    broken_ = decodeError(reader);
    std::rethrow_exception(broken_);
  }
  if (header.kind == RankMessageKind::Traced) {
    events.traced(rank, message.bytes());
    return;
  }
  if (header.operation != setup_.id) {
    return;  // of an operation that is over
  }
  switch (header.kind) {
    case RankMessageKind::Done:
      addChunks(rank, -1);
      acceptRuns(message, events);
      events.chunkDone(rank, header.chunk, Time(static_cast<Time::rep>(header.nanoseconds)), {});
      break;
    case RankMessageKind::AttemptFailed: {
      requireItem(message);
      PayloadReader reader(message.bytes());
      events.attemptFailed(rank, header.first, decodeError(reader),
                           Time(static_cast<Time::rep>(header.nanoseconds)));
      break;
    }
    case RankMessageKind::ItemFailed: {
      requireItem(message);
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
      addChunks(rank, -1);
      acceptRuns(message, events);
      events.chunkAborted(rank, header.chunk, header.count);
      break;
    case RankMessageKind::Recalled:
      if (header.value != 0 || header.count == 0) {
        addChunks(rank, -header.value);
        events.recallAnswered(rank, header.chunk, header.value != 0);
      } else {
        events.shortened(rank, header.chunk, header.count);
      }
      break;
    case RankMessageKind::PassedOn:
      events.chunkPassedOn(rank, header.chunk);
      break;
    default:
      throw malformed(message, "no answer of an agent");
  }
}

void AgentsBackend::requireItem(const RankMessage& message) const {
  if (message.header.first >= setup_.plan.shape.items) {
    throw malformed(message, "a failure of an item that does not exist");
  }
}

void AgentsBackend::acceptRuns(const RankMessage& message, BackendEvents& events) const {
  PayloadReader reader(message.bytes());
  const std::uint64_t items = setup_.plan.shape.items;
  while (reader.remaining() > 0) {
    RunHeader run;
    reader.read(&run, sizeof run);
    if (run.first >= items || run.count > items - run.first) {
      throw malformed(message, "results of items that do not exist");
    }
    const std::byte* results = reader.take(run.length);
    events.partDone(message.rank, run.first, run.count, Time(0), {results, run.length});
    reader.take(std::min(runPadding(run.length), reader.remaining()));
  }
}

void AgentsBackend::end(int wakeUp) {
  if (setup_.items != nullptr) {
    letSendsArrive();  // all ranks have them, but MPI may not have said so
  }
  const bool awaitsEnds = setup_.plan.shape.awaitsEnds;
  tellAll(RankMessageKind::EndOperation, nullptr, awaitsEnds ? 1 : 0);
  if (awaitsEnds) {
    awaitEnds(wakeUp);
  }
  if (isLogged(LogLevel::Debug)) {
    log(LogLevel::Debug, "operation " + std::to_string(setup_.id) + ": " +
                             ranks_.traffic().since(trafficBefore_).describe());
  }
  setup_ = {};
}

void AgentsBackend::awaitEnds(int wakeUp) {
  auto left =
      std::ranges::count_if(agents_, [](const AgentState& state) { return state.capacity > 0; });
  while (true) {
    left -= std::ranges::count_if(inbox_->messages, [this](const RankMessage& message) {
      return message.header.kind == RankMessageKind::Ended && message.header.operation == setup_.id;
    });
    inbox_->messages.clear();
    if (left <= 0) {
      return;
    }
    room_.wait(std::nullopt, wakeUp);
  }
}

void AgentsBackend::shutdown(Time) {
  if (isOpen_ && mailRoom() == &room_) {  // else the job is over, and all pools with it
    isOpen_ = false;
    tellAll(RankMessageKind::ClosePool);
    room_.leave(number_);
  }
}

}  // namespace procession::detail
