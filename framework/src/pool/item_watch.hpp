#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "backend/backend.hpp"

namespace procession::detail {

/// Sees which items take too long. Workers publish which item they are on, not since when; looking
/// several times within a time limit tells that well enough, and costs the workers nothing.
class ItemWatch {
 public:
  /// `limit` 0: there is nothing to watch.
  explicit ItemWatch(Time limit);

  /// When to look next; empty: never.
  [[nodiscard]] std::optional<Time> nextLook() const { return nextLook_; }
  [[nodiscard]] bool isDue(Time now) const { return nextLook_ && now >= *nextLook_; }
  /// Plans the next look.
  void look(Time now);
  /// Since when `worker` has been seen on `item`. To be asked for every busy worker at each look.
  [[nodiscard]] Time since(int worker, std::uint64_t item, Time now);
  /// The worker's item has ended badly. It may be tried again, and starts anew then.
  void forget(int worker) { sightings_.erase(worker); }

 private:
  struct Sighting {
    std::uint64_t item = 0;
    Time since{0};
  };

  Time limit_;
  std::optional<Time> nextLook_;
  std::map<int, Sighting> sightings_;  // by worker
};

}  // namespace procession::detail
