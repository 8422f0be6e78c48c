#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "faults/accounting.hpp"
#include "faults/outsider.hpp"
#include "faults/settled.hpp"
#include "faults/values.hpp"
#include "support/leak_guard.hpp"
#include "support/scratch_folder.hpp"

// Each kind of fault by itself, in one item of many.

namespace procession::test {
namespace {

class OneFaultTest : public testing::TestWithParam<Fault> {
 protected:
  void TearDown() override { EXPECT_TRUE(LeakGuard::reapOrphans().empty()); }

  std::vector<FaultyItem> itemsWithFault(std::uint32_t failures) {
    std::vector<FaultyItem> items(1000);
    std::uint32_t line = book_.takeLines(1000);
    for (FaultyItem& item : items) {
      item.id = line++;
    }
    items[471].fault = GetParam();
    items[471].failures = failures;
    return items;
  }
  static PoolOptions optionsWith(int retries) {
    PoolOptions options;
    options.workerCount = 3;
    options.retries = retries;
    if (factsOf(GetParam()).ending == Ending::Timeout) {
      options.timeout = timeToHang();
    }
    return options;
  }
  [[nodiscard]] std::vector<std::uint64_t> map(ProcessPool& pool,
                                               const std::vector<FaultyItem>& items) const {
    return pool.map(items, bindFront(&work<std::uint64_t>, book_.folder()));
  }
  static std::vector<std::uint64_t> valuesOf(const std::vector<FaultyItem>& items) {
    std::vector<std::uint64_t> values;
    values.reserve(items.size());
    for (const FaultyItem& item : items) {
      values.push_back(valueOf<std::uint64_t>(item));
    }
    return values;
  }

  ScratchFolder folder_;
  Book book_{folder_.path().string()};
  Outsider outsider_{folder_.path().string()};
};

INSTANTIATE_TEST_SUITE_P(, OneFaultTest, testing::ValuesIn(possibleFaults()),
                         [](const auto& fault) { return std::string(factsOf(fault.param).name); });

TEST_P(OneFaultTest, EndsAMapWithAnErrorThatNamesTheItem) {
  ProcessPool pool(optionsWith(0));
  const auto items = itemsWithFault(FaultyItem::kAlways);
  const Accounting accounting(items, timeToHang(), /*mayBeRefused=*/false);
  try {
    EXPECT_EQ(map(pool, items), valuesOf(items));
    EXPECT_EQ(accounting.ofSuccess(), "");
  } catch (...) {
    EXPECT_EQ(accounting.ofFailure(std::current_exception(), true, book_.tally()), "");
  }
  const auto sound = itemsWithFault(0);
  EXPECT_EQ(map(pool, sound), valuesOf(sound)) << "the pool is not what it was";
}

TEST_P(OneFaultTest, IsMadeUpForByARetry) {
  ProcessPool pool(optionsWith(1));
  const auto items = itemsWithFault(1);
  EXPECT_EQ(map(pool, items), valuesOf(items));
}

TEST_P(OneFaultTest, OfASubmissionLeavesTheOthersAlone) {
  ProcessPool pool(optionsWith(0));
  const auto items = itemsWithFault(FaultyItem::kAlways);
  const Accounting accounting(items, timeToHang(), /*mayBeRefused=*/false);
  const auto outcomes = submitAll<std::uint64_t>(pool, items, &work<std::uint64_t>, book_.folder());
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(accounting.ofItem(i, outcomes[i].error, book_.tally()), "");
    if (outcomes[i].error == nullptr) {
      EXPECT_EQ(outcomes[i].value, valueOf<std::uint64_t>(items[i]));
    }
  }
}

TEST_P(OneFaultTest, LeavesNoReductionHalfDone) {
  PoolOptions options = optionsWith(0);
  int tries = 1;
  if (GetParam() == Fault::ScribblesOverBoard) {
    options.timeout = std::chrono::seconds(20);  // so that workers tell each item
    tries = 20;                                  // what is written where differs
  }
  ProcessPool pool(options);
  for (; tries > 0; --tries) {
    const auto items = itemsWithFault(FaultyItem::kAlways);
    const Accounting accounting(items, timeToHang(), /*mayBeRefused=*/false);
    try {
      const std::uint64_t sum = pool.mapReduce(
          items, bindFront(&work<std::uint64_t>, book_.folder()), std::plus<>(), std::uint64_t{0});
      const auto values = valuesOf(items);
      EXPECT_EQ(sum, std::accumulate(values.begin(), values.end(), std::uint64_t{0}));
      EXPECT_EQ(accounting.ofSuccess(), "");
    } catch (...) {
      EXPECT_EQ(accounting.ofFailure(std::current_exception(), true, book_.tally()), "");
    }
  }
}

}  // namespace
}  // namespace procession::test
