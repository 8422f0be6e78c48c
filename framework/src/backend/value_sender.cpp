#include "backend/value_sender.hpp"

#include <algorithm>
#include <vector>

#include "backend/value_exchange.hpp"

namespace procession::detail {

void ValueSender::bringTo(int rank) {
  const int leader = ranks_.leaderOf(rank);
  const std::uint64_t version = values_.version();
  std::uint64_t& sent = versions_[leader];
  if (sent == version) {
    return;
  }
  forgetReleased();
  for (const SharedValues::Value& value : values_.list()) {
    if (nodes_[value.id].insert(leader).second) {
      bringToNode(leader, value);
    }
  }
  sent = version;
}

void ValueSender::bringToNode(int leader, const SharedValues::Value& value) {
  if (leader == ranks_.rank()) {
    sendPlaces(ranks_, value.id, *value.memory);
    return;
  }
  sendBytes(ranks_, leader, value.id, value.memory);
  RankHeader announcement;
  announcement.kind = RankMessageKind::AwaitValue;
  announcement.first = value.id;
  for (int rank = 1; rank < ranks_.size(); ++rank) {
    if (rank != leader && ranks_.leaderOf(rank) == leader) {
      ranks_.send(rank, announcement);
    }
  }
}

void ValueSender::forgetReleased() {
  const std::vector<SharedValues::Value> values = values_.list();
  std::erase_if(nodes_, [&](const auto& entry) {
    const auto& [id, leaders] = entry;
    if (std::any_of(values.begin(), values.end(),
                    [id = id](const auto& value) { return value.id == id; })) {
      return false;
    }
    RankHeader header;
    header.kind = RankMessageKind::ForgetValue;
    header.first = id;
    for (int rank = 1; rank < ranks_.size(); ++rank) {
      if (leaders.contains(ranks_.leaderOf(rank))) {
        ranks_.send(rank, header);
      }
    }
    return true;
  });
}

namespace {

ValueSender& jobsSender(Ranks& ranks) {
  static auto* const instance =
      new ValueSender(ranks, sharedValues());  // a process is part of one job at most
  return *instance;
}

}  // namespace

void bringValuesTo(int rank) {
  if (Ranks* ranks = activeRanks()) {
    jobsSender(*ranks).bringTo(rank);
  }
}

void forgetReleasedOnRanks() {
  Ranks* ranks = activeRanks();
  if (ranks != nullptr && ranks->rank() == 0 && isRanksThread()) {
    jobsSender(*ranks).forgetReleased();
  }
}

}  // namespace procession::detail
