#include "backend/value_receiver.hpp"

#include <string>
#include <utility>

#include "backend/value_exchange.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/error.hpp"
#include "system/log.hpp"

namespace procession::detail {

bool ValueReceiver::handle(const RankMessage& message) {
  const std::uint64_t id = message.header.first;
  switch (message.header.kind) {
    case RankMessageKind::ValueBytes:
      acceptBytes(message);
      return true;
    case RankMessageKind::ValuePlace:
      acceptPlace(message);
      return true;
    case RankMessageKind::AwaitValue:
      if (values_.find(id) == nullptr) {  // else the leader's message was faster
        awaited_.insert(id);
      }
      return true;
    case RankMessageKind::WantValue:
      answerWant(ranks_, values_, message);
      return true;
    case RankMessageKind::NoValue:
      awaited_.erase(id);
      return true;
    default:
      return false;
  }
}

void ValueReceiver::acceptBytes(const RankMessage& message) {
  const std::uint64_t id = message.header.first;
  values_.accept(id, message.memory ? message.memory->seal() : SealedMemory::copyOf({}));
  awaited_.erase(id);
  if (ranks_.leaderOf(ranks_.rank()) == ranks_.rank()) {
    sendPlaces(ranks_, id, *values_.find(id));
  } else {
    tellOfCopy(message.rank);
  }
}

void ValueReceiver::acceptPlace(const RankMessage& message) {
  const std::uint64_t id = message.header.first;
  PayloadReader reader(message.bytes());
  const auto place = decode<ValuePlace>(reader);
  try {
    values_.accept(id, openPlace(place, message.header.count));
    awaited_.erase(id);
  } catch (const Error& error) {
    // It may merely have been released meanwhile; the answer tells.
    whyNoPlace_ = error.what();
    awaited_.insert(id);
    RankHeader want;
    want.kind = RankMessageKind::WantValue;
    want.first = id;
    ranks_.send(message.rank, want);
  }
}

void ValueReceiver::tellOfCopy(int neighbour) {
  if (!std::exchange(isToldOfCopy_, true)) {
    log(LogLevel::Warn, "rank " + std::to_string(ranks_.rank()) + " on " +
                            ranks_.hostOf(ranks_.rank()) +
                            " keeps copies of its own of values of nodeShared(), as it cannot use "
                            "the memory of rank " +
                            std::to_string(neighbour) + ": " + whyNoPlace_);
  }
}

}  // namespace procession::detail
