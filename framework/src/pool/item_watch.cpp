#include "pool/item_watch.hpp"

namespace procession::detail {

namespace {

constexpr int kLooksPerLimit = 16;

}  // namespace

ItemWatch::ItemWatch(Time limit) : limit_(limit) {
  if (limit_.count() != 0) {
    nextLook_ = steadyNow();
  }
}

void ItemWatch::look(Time now) { nextLook_ = now + limit_ / kLooksPerLimit; }

Time ItemWatch::since(int worker, std::uint64_t item, Time now) {
  const auto [sighting, isNew] = sightings_.try_emplace(worker, Sighting{item, now});
  if (!isNew && sighting->second.item != item) {
    sighting->second = {item, now};
  }
  return sighting->second.since;
}

}  // namespace procession::detail
