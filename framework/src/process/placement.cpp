#include "process/placement.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <mutex>

namespace procession::detail {

namespace {

struct RankLoad {
  int tasks = 0;
  bool isFull = false;
};

struct Loads {
  std::mutex mutex;
  std::deque<RankLoad> ofRanks;  // references stay good as it grows

  RankLoad& of(int rank) {
    const auto index = static_cast<std::size_t>(rank);
    ofRanks.resize(std::max(ofRanks.size(), index + 1));
    return ofRanks[index];
  }
};

Loads& loads() {
  static auto* instance = new Loads;  // managers may end in handlers of exit()
  return *instance;
}

/// Both with one task more.
bool isLessBusy(const RankLoad& one, int cores, const RankLoad& other, int otherCores) {
  if (one.isFull != other.isFull) {
    return other.isFull;
  }
  return (one.tasks + std::int64_t{1}) * otherCores < (other.tasks + std::int64_t{1}) * cores;
}

}  // namespace

RankSeat::RankSeat(int rank) : rank_(rank) {
  const std::lock_guard lock(loads().mutex);
  ++loads().of(rank_).tasks;
}

RankSeat::~RankSeat() {
  const std::lock_guard lock(loads().mutex);
  --loads().of(rank_).tasks;
  if (!isRefused_) {
    for (RankLoad& load : loads().ofRanks) {
      load.isFull = false;
    }
  }
}

void RankSeat::refuse() {
  const std::lock_guard lock(loads().mutex);
  loads().of(rank_).isFull = true;
  isRefused_ = true;
}

int leastBusyRank(const Ranks& ranks) {
  const std::lock_guard lock(loads().mutex);
  int best = 0;
  for (int rank = 1; rank < ranks.size(); ++rank) {
    if (isLessBusy(loads().of(rank), ranks.coresOf(rank), loads().of(best), ranks.coresOf(best))) {
      best = rank;
    }
  }
  return best;
}

bool hasRoom(const Ranks& ranks) {
  const std::lock_guard lock(loads().mutex);
  for (int rank = 0; rank < ranks.size(); ++rank) {
    if (!loads().of(rank).isFull) {
      return true;
    }
  }
  return false;
}

}  // namespace procession::detail
