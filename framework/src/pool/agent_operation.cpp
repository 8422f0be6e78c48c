#include "pool/agent_operation.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

#include "backend/error_message.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/error.hpp"

namespace procession::detail {

namespace {

// A worker that somebody terminated: perhaps the whole rank is being stopped, and it heard first.
constexpr int kStopHeardWithin = 200;  // ms

OperationPlan readPlan(ByteView bytes) {
  PayloadReader reader(bytes);
  return decode<OperationPlan>(reader);
}

std::unique_ptr<Merger> makeMergerOf(const OperationPlan& plan, ByteView setup) {
  PayloadReader reader(setup);
  static_cast<void>(decode<CodeAddress>(reader));  // the kernel's factory, which is the workers'
  return resolveFunction<MergerFactory>(plan.merger)(reader, plan.shape.items);
}

/// The part of a worker's run that lies in [first, end).
std::uint64_t overlap(std::uint64_t runFirst, std::uint64_t runCount, std::uint64_t first,
                      std::uint64_t end) {
  const std::uint64_t from = std::max(runFirst, first);
  const std::uint64_t to = std::min(runFirst + runCount, end);
  return to > from ? to - from : 0;
}

}  // namespace

AgentOperation::AgentOperation(Backend& backend, RankMessage begin, AgentPort& port,
                               int stopDescriptor)
    : begin_(std::move(begin)),
      plan_(readPlan(begin_.bytes())),
      setup_(begin_.bytes().subspan(sizeof(OperationPlan))),
      port_(port),
      stopDescriptor_(stopDescriptor),
      driver_(backend, *this, plan_) {
  try {
    if (plan_.shape.wholeNodes) {
      merger_ = makeMergerOf(plan_, setup_);
    }
    driver_.begin(id(), setup_);
  } catch (...) {
    isBroken_ = true;
    failed(std::current_exception());
  }
}

void AgentOperation::run(RankMessage message) {
  if (isStopped_ || isBroken_ || driver_.isCancelled()) {
    port_.answer(answerTo(message, RankMessageKind::Aborted));
    return;
  }
  Received received;
  received.items = message.bytes();
  const std::uint64_t count = message.header.count;
  if (!received.items.empty() && !plan_.shape.rawItems) {
    const std::size_t tableBytes = count * sizeof(std::uint64_t);
    if (received.items.size() < tableBytes) {
      throw PayloadError("malformed message from the parent: a chunk without its table of items");
    }
    received.ends = reinterpret_cast<const std::uint64_t*>(received.items.data());
    received.items = received.items.subspan(tableBytes);
  }
  received.toPassOn = count;
  received.toDo = count;
  received.results = std::make_shared<HeapPayload>();
  received.message = std::move(message);
  kept_.push_back(std::move(received));
  feed();
}

void AgentOperation::recall(std::uint64_t chunk) {
  const auto found = std::ranges::find_if(
      kept_, [&](const Received& received) { return received.message.header.chunk == chunk; });
  RankHeader header = begin_.header;
  header.kind = RankMessageKind::Recalled;
  header.chunk = chunk;
  header.value = found != kept_.end() ? 1 : 0;
  if (found != kept_.end()) {
    kept_.erase(found);
  }
  port_.answer(header);
}

void AgentOperation::stop() {
  isStopped_ = true;
  if (isBroken_) {
    abortAll();
    return;
  }
  driver_.cancel();
  if (isIdle()) {
    abortAll();
  }
}

void AgentOperation::end() {
  if (!isBroken_) {
    driver_.end();
  }
}

void AgentOperation::step(std::optional<Time> until, int wakeUp) {
  if (isBroken_) {
    return;
  }
  feed();
  try {
    driver_.step(until, wakeUp);
  } catch (...) {
    isBroken_ = true;  // no worker is left, or none can be made
    failed(std::current_exception());
  }
  feed();
  if (isStopped_ && isIdle()) {
    abortAll();
  }
}

/// Passes chunks of the parent on to the scheduler as the workers come to need them.
void AgentOperation::feed() {
  while (!driver_.isCancelled() && !kept_.empty() &&
         driver_.waitingItems() < kept_.front().message.header.count / 4 + 1) {
    received_.push_back(std::move(kept_.front()));
    kept_.pop_front();
    driver_.addItems(received_.back().first(), received_.back().message.header.count);
  }
}

void AgentOperation::encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) {
  if (plan_.shape.itemBytes == 0) {
    return;  // workers make the items themselves
  }
  for (const Received& received : received_) {
    const std::uint64_t part = overlap(first, count, received.first(), received.end());
    if (part == 0) {
      continue;
    }
    const std::uint64_t from = std::max(first, received.first()) - received.first();
    std::uint64_t begin = from * plan_.shape.itemBytes;
    std::uint64_t end = (from + part) * plan_.shape.itemBytes;
    if (received.ends != nullptr) {
      begin = from == 0 ? 0 : received.ends[from - 1];
      end = received.ends[from + part - 1];
    }
    if (begin > end || end > received.items.size()) {
      throw PayloadError("malformed message from the parent: items that end before they begin");
    }
    writer.write(received.items.data() + begin, end - begin);
  }
}

AgentOperation::Received* AgentOperation::findChunkOf(std::uint64_t item) {
  const auto found = std::ranges::find_if(received_, [item](const Received& received) {
    return received.first() <= item && item < received.end();
  });
  return found == received_.end() ? nullptr : &*found;
}

void AgentOperation::accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) {
  if (Received* received = findChunkOf(first)) {
    if (merger_ != nullptr) {
      merger_->insert(received->message.header.chunk, first, count, results);
    } else if (!results.empty()) {
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
  credit(first, count, busy);
}

void AgentOperation::credit(std::uint64_t first, std::uint64_t count, Time busy) {
  for (Received& received : received_) {
    const std::uint64_t part = overlap(first, count, received.first(), received.end());
    if (part == 0) {
      continue;
    }
    received.toDo -= part;
    received.busy += busy * static_cast<std::int64_t>(part) / static_cast<std::int64_t>(count);
    if (received.toDo == 0) {
      finish(received);
    }
  }
  std::erase_if(received_, [](const Received& received) { return received.toDo == 0; });
}

void AgentOperation::finish(Received& received) {
  RankHeader header = answerTo(received.message, RankMessageKind::Done);
  header.nanoseconds = static_cast<std::uint64_t>(received.busy.count());
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
  port_.answer(header, std::move(received.results));
}

void AgentOperation::handedOut(const Chunk& chunk) {
  for (Received& received : received_) {
    const std::uint64_t part = overlap(chunk.first, chunk.count, received.first(), received.end());
    if (part > 0 && received.toPassOn > 0) {  // 0: a worker gave it back since
      received.toPassOn -= std::min(received.toPassOn, part);
      if (received.toPassOn == 0) {
        port_.answer(answerTo(received.message, RankMessageKind::PassedOn));
      }
    }
  }
}

void AgentOperation::itemFailed(std::uint64_t item, const std::exception_ptr& error) {
  RankHeader header = begin_.header;
  header.first = item;
  answerError(port_, header, RankMessageKind::ItemFailed, error);
}

void AgentOperation::failed(const std::exception_ptr& error) {
  answerError(port_, begin_.header, RankMessageKind::Failed, error);
}

void AgentOperation::listenForStop() {
  pollfd stop{stopDescriptor_, POLLIN, 0};
  if (poll(&stop, 1, kStopHeardWithin) > 0) {
    driver_.cancel();  // no item is to blame; who serves the messages sees to the rest
  }
}

void AgentOperation::abortAll() {
  for (const Received& received : received_) {
    port_.answer(answerTo(received.message, RankMessageKind::Aborted));
  }
  for (const Received& received : kept_) {
    port_.answer(answerTo(received.message, RankMessageKind::Aborted));
  }
  received_.clear();
  kept_.clear();
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
