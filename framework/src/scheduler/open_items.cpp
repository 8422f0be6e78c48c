#include "scheduler/open_items.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string>

namespace procession::detail {

OpenRange OpenItems::front() const {
  const auto& [first, rest] = *ranges_.begin();
  return {first, rest.end, rest.sourceEnd, rest.pieceLimit};
}

void OpenItems::takeUntil(std::uint64_t end) {
  auto node = ranges_.extract(ranges_.begin());
  count_ -= end - node.key();
  if (end == node.mapped().end) {
    return;
  }
  node.key() = end;
  ranges_.insert(ranges_.begin(), std::move(node));
}

std::uint64_t OpenItems::takeEnd(std::uint64_t first, std::uint64_t end) {
  std::uint64_t taken = 0;
  while (first < end) {
    auto range = ranges_.lower_bound(end);
    if (range == ranges_.begin() || (--range)->second.end < end) {
      break;
    }
    const std::uint64_t from = std::max(first, range->first);
    Rest behind = range->second;
    taken += end - from;
    if (behind.end > end) {
      ranges_.emplace_hint(std::next(range), end, behind);
    }
    if (from > range->first) {
      range->second.end = from;
    } else {
      ranges_.erase(range);
    }
    end = from;
  }
  count_ -= taken;
  return taken;
}

void OpenItems::add(const OpenRange& range) {
  if (range.first == range.end) {
    return;
  }
  const Rest rest{range.end, range.sourceEnd, range.pieceLimit};
  auto after = ranges_.lower_bound(range.first);
  auto before = after == ranges_.begin() ? ranges_.end() : std::prev(after);
  if ((after != ranges_.end() && after->first < range.end) ||
      (before != ranges_.end() && before->second.end > range.first)) {
    throw std::logic_error("items " + std::to_string(range.first) + " to " +
                           std::to_string(range.end - 1) + " are open already, at least in part");
  }
  count_ += range.end - range.first;
  if (before != ranges_.end() && before->second.end == range.first &&
      before->second.isOfKind(rest)) {
    before->second.end = range.end;
  } else {
    before = ranges_.emplace_hint(after, range.first, rest);
  }
  if (after != ranges_.end() && after->first == range.end && after->second.isOfKind(rest)) {
    before->second.end = after->second.end;
    ranges_.erase(after);
  }
}

}  // namespace procession::detail
