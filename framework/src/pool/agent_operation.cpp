#include "pool/agent_operation.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "backend/error_message.hpp"
#include "pool/trace_file.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/error.hpp"

namespace procession::detail {

namespace {

OperationPlan readPlan(ByteView bytes) {
  PayloadReader reader(bytes);
  return decode<OperationPlan>(reader);
}

std::unique_ptr<Merger> makeMergerOf(const OperationPlan& plan, ByteView setup) {
  PayloadReader reader(setup);
  static_cast<void>(decode<CodeAddress>(reader));  // the kernel's factory, which is the workers'
  return resolveFunction<MergerFactory>(plan.merger)(reader, plan.shape.items);
}

}  // namespace

AgentOperation::AgentOperation(Backend& backend, RankMessage begin, AgentPort& port,
                               int stopDescriptor)
    : begin_(std::move(begin)),
      plan_(readPlan(begin_.bytes())),
      port_(port),
      stopDescriptor_(stopDescriptor),
      driver_(backend, *this, plan_, /*ofAgent=*/true),
      relay_(driver_.scheduler(), plan_.shape.wholeNodes) {
  try {
    if (plan_.shape.wholeNodes) {
      merger_ = makeMergerOf(plan_, begin_.bytes().subspan(sizeof(OperationPlan)));
    }
    if (isTracing()) {
      driver_.traceEvents();
    }
    driver_.begin(id(), begin_.payload);
  } catch (...) {
    isBroken_ = true;
    failed(std::current_exception());
  }
}

void AgentOperation::run(RankMessage message) {
  if (isStopped_ || isBroken_ || driver_.isCancelled()) {
    Received refused;
    refused.message = std::move(message);
    abort(refused);
    return;
  }
  Received received;
  received.items = message.bytes();
  received.results = std::make_shared<HeapPayload>();
  received.message = std::move(message);
  requireNew(received);
  findItems(received);
  const Chunk chunk = received.chunk();
  chunks_[chunk.id] = std::move(received);
  relay_.receive(chunk);
  relay_.feed();
}

void AgentOperation::requireNew(const Received& received) const {
  const OperationShape& shape = plan_.shape;
  const std::uint64_t first = received.first();
  const std::uint64_t count = received.chunk().count;
  const bool exists = count > 0 && first < shape.items && count <= shape.items - first &&
                      !(shape.wholeNodes && first % shape.leafItems != 0);
  const bool isHere = std::ranges::any_of(chunks_, [&](const auto& other) {
    return other.first == received.chunk().id || overlap(other.second.chunk(), first, count) > 0;
  });
  if (!exists || isHere) {
    throw PayloadError("malformed message from the parent: a chunk of items that " +
                       std::string(isHere ? "are here already" : "do not exist"));
  }
}

/// In the message.
void AgentOperation::findItems(Received& received) const {
  const OperationShape& shape = plan_.shape;
  const std::uint64_t count = received.chunk().count;
  const bool hasEnds = !received.items.empty() && !shape.rawItems;
  const std::size_t perItem = hasEnds          ? sizeof(std::uint64_t)
                              : shape.rawItems ? shape.itemBytes
                                               : 0;
  if (perItem != 0 && count > received.items.size() / perItem) {
    throw PayloadError("malformed message from the parent: a chunk without " +
                       std::string(hasEnds ? "its table of items" : "all of its items"));
  }
  if (hasEnds) {
    received.ends = reinterpret_cast<const std::uint64_t*>(received.items.data());
    received.items = received.items.subspan(count * sizeof(std::uint64_t));
  }
}

void AgentOperation::recall(std::uint64_t chunk) {
  const auto found = chunks_.find(chunk);
  RankHeader header = begin_.header;
  header.kind = RankMessageKind::Recalled;
  header.chunk = chunk;
  header.count = 0;
  if (found != chunks_.end() && !isBroken_) {
    header.count = relay_.giveBack(chunk);
    if (header.count == 0) {
      driver_.takeBack(found->second.end() - 1);
      header.count = relay_.giveBack(chunk);
    }
  }
  if (header.count > 0) {
    std::uint64_t& left = found->second.message.header.count;
    left -= header.count;
    header.value = left == 0 ? 1 : 0;
    if (left == 0) {
      chunks_.erase(found);
    }
  }
  port_.answer(header);
  answerParent();
}

void AgentOperation::stop() {
  isStopped_ = true;
  if (isBroken_) {
    abortAll();
    return;
  }
  driver_.cancel();
  if (hasLeft()) {
    abortAll();
  }
}

void AgentOperation::end() {
  sendTrace();
  if (!isBroken_) {
    driver_.end(stopDescriptor_);
  }
}

void AgentOperation::step(std::optional<Time> until, int wakeUp) {
  if (isBroken_) {
    return;
  }
  relay_.feed();
  answerParent();
  try {
    driver_.step(until, wakeUp);
  } catch (...) {
    isBroken_ = true;  // no worker is left, or none can be made
    failed(std::current_exception());
  }
  relay_.feed();
  answerParent();
  if (isStopped_ && hasLeft()) {
    abortAll();
  }
}

/// They may lie in several of the parent's chunks, which came in any order.
void AgentOperation::encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) {
  if (plan_.shape.itemBytes == 0) {
    return;  // workers make the items themselves
  }
  while (count > 0) {
    const Received* received = findChunkOf(first);
    if (received == nullptr) {
      throw std::logic_error("item " + std::to_string(first) + " is in no chunk of this agent");
    }
    const std::uint64_t from = first - received->first();
    const std::uint64_t part = std::min(count, received->end() - first);
    std::uint64_t begin = from * plan_.shape.itemBytes;
    std::uint64_t end = (from + part) * plan_.shape.itemBytes;
    if (received->ends != nullptr) {
      begin = from == 0 ? 0 : received->ends[from - 1];
      end = received->ends[from + part - 1];
    }
    if (begin > end || end > received->items.size()) {
      throw PayloadError("malformed message from the parent: items that end before they begin");
    }
    writer.write(received->items.data() + begin, end - begin);
    first += part;
    count -= part;
  }
}

AgentOperation::Received* AgentOperation::findChunkOf(std::uint64_t item) {
  const auto found = std::ranges::find_if(chunks_, [item](const auto& chunk) {
    return chunk.second.first() <= item && item < chunk.second.end();
  });
  return found == chunks_.end() ? nullptr : &found->second;
}

void AgentOperation::accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) {
  if (Received* received = findChunkOf(first)) {
    if (merger_ != nullptr) {
      merger_->insert(received->message.header.chunk, first, count, results);
    } else if (!results.empty() && !deliver(first, count, results)) {
      RunHeader run;
      run.first = first;
      run.count = count;
      run.length = results.size();
      HeapPayload& payload = *received->results;
      payload.write(&run, sizeof run);
      payload.write(results.data(), results.size());
      const std::size_t padding = runPadding(results.size());
      std::memset(payload.claim(padding), 0, padding);
    }
  }
  for (auto& [id, received] : chunks_) {
    received.done += overlap(received.chunk(), first, count);
  }
  relay_.done(first, count, busy);
  answerParent();
}

bool AgentOperation::deliver(std::uint64_t first, std::uint64_t count, ByteView results) {
  RankHeader run = begin_.header;
  run.first = first;
  run.count = count;
  return port_.deliver(run, results);
}

void AgentOperation::handedOut(const Chunk& chunk) {
  relay_.handedOut(chunk);
  answerParent();
}

void AgentOperation::answerParent() {
  while (const std::optional<ChunkRelay::Answer> answer = relay_.nextAnswer()) {
    if (answer->type == ChunkRelay::Answer::Type::Done) {
      finish(*answer);
    } else {
      port_.answer(answerTo(chunks_.at(answer->chunk.id).message, RankMessageKind::PassedOn));
    }
  }
}

void AgentOperation::finish(const ChunkRelay::Answer& done) {
  auto chunk = chunks_.extract(done.chunk.id);
  Received& received = chunk.mapped();
  RankHeader header = answerTo(received.message, RankMessageKind::Done);
  header.nanoseconds = static_cast<std::uint64_t>(done.busy.count());
  if (merger_ != nullptr) {
    HeapPayload& payload = *received.results;
    RunHeader run;
    run.first = received.first();
    run.count = received.message.header.count;
    payload.write(&run, sizeof run);
    merger_->take(received.message.header.chunk, payload);
    run.length = payload.size() - sizeof run;
    std::memcpy(payload.data(), &run, sizeof run);
  }
  sendTrace();
  port_.answer(header, std::move(received.results));
}

void AgentOperation::traced(const TraceRecord& record) {
  if (record.type == TraceRecord::Type::Wait) {
    return;  // an agent waits all the time, for the parent as well
  }
  if (trace_ == nullptr) {
    trace_ = std::make_shared<HeapPayload>();
  }
  TraceRecord ours = record;
  if (ours.process == 0) {
    ours.process = getpid();
    ours.isAgents = 1;
  }
  trace_->write(&ours, sizeof ours);
}

void AgentOperation::sendTrace() {
  if (trace_ != nullptr) {
    RankHeader header = begin_.header;
    header.kind = RankMessageKind::Traced;
    port_.answer(header, std::exchange(trace_, nullptr));
  }
}

void AgentOperation::attemptFailed(std::uint64_t item, const std::exception_ptr& error, Time took) {
  RankHeader header = begin_.header;
  header.first = item;
  header.nanoseconds = static_cast<std::uint64_t>(took.count());
  answerError(port_, header, RankMessageKind::AttemptFailed, error);
}

void AgentOperation::itemFailed(std::uint64_t item, const std::exception_ptr& error) {
  RankHeader header = begin_.header;
  header.first = item;
  sendTrace();
  answerError(port_, header, RankMessageKind::ItemFailed, error);
  if (plan_.settles) {
    relay_.done(item, 1, Time(0));
    answerParent();
  }
}

void AgentOperation::failed(const std::exception_ptr& error) {
  sendTrace();
  answerError(port_, begin_.header, RankMessageKind::Failed, error);
}

void AgentOperation::stopHeard() {
  driver_.cancel();  // no item is to blame; who serves the messages sees to the rest
}

/// With what is done of it; of a reduction that is nothing.
void AgentOperation::abort(Received& received) {
  RankHeader header = answerTo(received.message, RankMessageKind::Aborted);
  header.count = merger_ != nullptr ? 0 : received.done;
  port_.answer(header, std::move(received.results));
}

void AgentOperation::abortAll() {
  sendTrace();
  for (auto& [id, received] : chunks_) {
    abort(received);
  }
  chunks_.clear();
}

RankHeader AgentOperation::answerTo(const RankMessage& message, RankMessageKind kind) const {
  RankHeader header = begin_.header;
  header.kind = kind;
  header.chunk = message.header.chunk;
  header.first = message.header.first;
  header.count = message.header.count;
  return header;
}

void answerError(AgentPort& port, RankHeader header, RankMessageKind kind,
                 const std::exception_ptr& error) {
  auto payload = std::make_shared<HeapPayload>();
  encodeError(*payload, error);
  header.kind = kind;
  port.answer(header, std::move(payload));
}

}  // namespace procession::detail
