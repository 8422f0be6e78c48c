#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
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
  /// How many of the items from `first` on, at most `count`, are done within `time`.
  [[nodiscard]] std::uint64_t doneWithin(std::uint64_t first, std::uint64_t count,
                                         Time time) const {
    const Time end = until(first) + time;
    std::uint64_t done = 0;
    while (done < count) {
      const std::uint64_t middle = done + (count - done + 1) / 2;
      if (until(first + middle) <= end) {
        done = middle;
      } else {
        count = middle - 1;
      }
    }
    return done;
  }

 private:
  [[nodiscard]] Time until(std::uint64_t end) const {
    const std::uint64_t size = sums_.size() - 1;
    return sums_.back() * static_cast<std::int64_t>(end / size) + sums_[end % size];
  }

  std::vector<Time> sums_;  // sums_[i]: of the first i items
  Time largest_{0};
};

enum class CostShape { Uniform, Pareto, Bimodal };

[[nodiscard]] std::string nameOf(CostShape shape);
/// Items of about `mean`: half to one and a half times as much; Pareto(1.16), a little less on
/// average as none is above 20 times the mean; or nine tenths of them alike and one tenth nine
/// times as long.
[[nodiscard]] ItemCosts costsOf(CostShape shape, ItemCosts::Time mean);

}  // namespace procession::test
