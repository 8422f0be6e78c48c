#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace procession::test {

/// How long items take: a table, over and over, whose sums over any run of items are known at once.
class ItemCosts {
 public:
  using Time = std::chrono::nanoseconds;

  explicit ItemCosts(const std::vector<Time>& table) : sums_{Time{0}} {
    for (const Time cost : table) {
      largest_ = std::max(largest_, cost);
      sums_.push_back(sums_.back() + cost);
    }
  }

  [[nodiscard]] Time of(std::uint64_t first, std::uint64_t count) const {
    return until(first + count) - until(first);
  }
  [[nodiscard]] Time largest() const { return largest_; }

 private:
  [[nodiscard]] Time until(std::uint64_t end) const {
    const std::uint64_t size = sums_.size() - 1;
    return sums_.back() * static_cast<std::int64_t>(end / size) + sums_[end % size];
  }

  std::vector<Time> sums_;  // sums_[i]: of the first i items
  Time largest_{0};
};

}  // namespace procession::test
