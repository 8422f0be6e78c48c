#include "scheduler/chunk_size.hpp"

#include <algorithm>
#include <cmath>

namespace procession::detail {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// A process gets this part of its share of what is open. Half of it would do for equal items; the
// rest is for items whose cost nobody knows.
constexpr double kGuidedShare = 1.0 / 4;

// Before the first measurement: small enough that even much dearer items cannot spoil the balance,
// and a few items at least, so that small operations are sent in one go.
constexpr double kFirstShare = 1.0 / 32;
constexpr double kFirstItems = 4;

// No chunk is larger than this times what was measured so far: the first items may be the cheap
// ones.
constexpr double kTrust = 4;

// The last chunks may be this much shorter than what is worthwhile, so that workers end together.
constexpr double kShortest = 1.0 / 8;

// A chunk is not longer than this, so that progress, cancelling and deadlines stay responsive.
constexpr auto kLongest = milliseconds(25);

// What a hand-over costs the owner, who serves all workers: with 10,000 of them each chunk has to
// last for 200 ms, or workers wait for the owner.
constexpr auto kOwnerTime = microseconds(20);

}  // namespace

void ChunkSize::measure(std::uint64_t items, Time busy) {
  measuredItems_ += items;
  measuredTime_ += std::max(busy, Time{0});
}

std::uint64_t ChunkSize::items(const Situation& situation) const {
  const double wanted = isKnown() ? guidedItems(situation) : firstItems(situation);
  if (wanted >= static_cast<double>(situation.openItems)) {
    return situation.openItems;
  }
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
}

bool ChunkSize::mayLast(std::uint64_t items, Time time) const {
  return !isKnown() || static_cast<double>(items) >= itemsIn(time);
}

double ChunkSize::firstItems(const Situation& situation) const {
  const auto open = static_cast<double>(situation.openItems);
  const auto capacity = static_cast<double>(situation.capacity);
  const double spread = std::ceil(open * capacity / static_cast<double>(situation.freeCapacity));
  const double share = open * capacity / static_cast<double>(situation.allCapacity);
  // An agent asks for more as soon as each of its processes has an item, a process only when it has
  // done its items.
  const double few = situation.capacity > 1 ? capacity : kFirstItems;
  return std::max(std::min(spread, few), share * kFirstShare);
}

double ChunkSize::guidedItems(const Situation& situation) const {
  const Time ownerRound = kOwnerTime * static_cast<std::int64_t>(situation.workers);
  const Time shouldLast = std::max(worthwhile_, ownerRound);
  const Time mayLast = std::max<Time>(kLongest, 2 * shouldLast);

  const auto capacity = static_cast<double>(situation.capacity);
  const double share = static_cast<double>(situation.openItems) * capacity /
                       static_cast<double>(situation.allCapacity);
  const double worthwhile = itemsIn(shouldLast) * capacity;
  const double atLeast = std::min(worthwhile, std::max(std::ceil(share), worthwhile * kShortest));
  // An agent may get an item for each of its processes, however dear.
  const double atMost = std::min(std::max(itemsIn(mayLast), 1.0) * capacity,
                                 kTrust * static_cast<double>(measuredItems_) * capacity);
  return std::min(std::max(share * kGuidedShare, atLeast), atMost);
}

double ChunkSize::itemsIn(Time time) const {
  const Time measured = std::max(measuredTime_, Time{1});  // less than the clock can see
  return static_cast<double>(time.count()) * static_cast<double>(measuredItems_) /
         static_cast<double>(measured.count());
}

}  // namespace procession::detail
