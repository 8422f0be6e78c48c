#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include "pool/memory_map.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/crash.hpp"

// What mapUnordered promises on every backend.

namespace procession::test {
namespace {

using namespace std::chrono_literals;

static_assert(std::ranges::input_range<UnorderedResults<std::string>>);
static_assert(std::ranges::input_range<UnorderedResults<std::unique_ptr<int>>>);
static_assert(!std::is_copy_constructible_v<UnorderedResults<int>>);

class PoolUnorderedTest : public testing::Test {
 protected:
  ProcessPool pool_{3};
};

TEST_F(PoolUnorderedTest, BringsEachResultOnceWithTheIndexOfItsItem) {
  for (const std::size_t count : {0, 1, 2, 64, 1000, 4711}) {
    const std::vector<int> items = randomNumbers(count);
    std::vector<std::string> results(count);
    std::size_t seen = 0;
    for (auto& [index, value] :
         pool_.mapUnordered(items, [](int n) { return std::to_string(n); })) {
      EXPECT_TRUE(results.at(index).empty()) << "twice: " << index;
      results[index] = std::move(value);
      ++seen;
    }
    EXPECT_EQ(seen, count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(results[i], std::to_string(items[i]));
    }
  }
}

TEST_F(PoolUnorderedTest, KeepsTemporaryItemsAndTakesStandardAlgorithms) {
  auto results = pool_.mapUnordered(std::vector<int>{1, 2, 3, 4}, [](int n) { return 10 * n; });
  long sum = 0;
  std::ranges::for_each(results, [&](const Indexed<int>& result) {
    sum += result.value * static_cast<int>(result.index + 1);
  });
  EXPECT_EQ(sum, 10 * 1 + 20 * 2 + 30 * 3 + 40 * 4);
}

TEST_F(PoolUnorderedTest, MayBeMovedWhileItIsUnderWay) {
  auto first = pool_.mapUnordered(std::views::iota(0, 1000), [](int n) { return n; });
  auto iterator = first.begin();
  auto second = std::move(first);
  EXPECT_TRUE(first.begin() == first.end());  // NOLINT(bugprone-use-after-move): documented
  int count = 0;
  for (; iterator != second.end(); ++iterator) {
    ++count;
  }
  EXPECT_EQ(count, 1000);
}

TEST(WorkerUnorderedTest, BeginsWithWhatIsDoneFirst) {
  ProcessPool pool(3);
  Gate gate;
  const auto work = [](const std::string& path, int item) {
    if (item == 0) {
      Gate::pass(path);
    }
    return item;
  };
  std::vector<std::uint64_t> order;
  auto results = pool.mapUnordered(std::views::iota(0, 20), bindFront(work, gate.path()));
  for (const auto& result : results) {
    order.push_back(result.index);
    if (order.size() == 10) {
      gate.letPass(1);
    }
  }
  EXPECT_EQ(order.size(), 20u);
  EXPECT_NE(order.front(), 0u);
}

TEST(WorkerUnorderedTest, AResultDoesNotWaitForTheItemBehindIt) {
  ProcessPool pool({.workerCount = 1, .chunkSize = 1});
  Gate gate;
  const auto work = [](const std::string& path, int item) {
    if (item == 1) {
      Gate::pass(path);
    }
    return item;
  };
  auto results = pool.mapUnordered(std::views::iota(0, 20), bindFront(work, gate.path()));
  auto result = results.begin();
  EXPECT_EQ((*result).index, 0u);
  gate.letPass(1);
  std::size_t count = 0;
  for (; result != results.end(); ++result) {
    ++count;
  }
  EXPECT_EQ(count, 20u);
}

TEST_F(PoolUnorderedTest, LeavingTheLoopCancelsTheRestAndFreesThePool) {
  const SharedFile file;
  const auto note = [](const std::string& path, int item) {
    SharedFile::append(path, std::to_string(item));
    return item;
  };
  for (const auto& result :
       pool_.mapUnordered(std::views::iota(0, 1'000'000), bindFront(note, file.path()))) {
    EXPECT_LT(result.index, 1'000'000u);
    break;
  }
  EXPECT_LT(file.lines().size(), 500'000u);
  const std::size_t done = file.lines().size();
  EXPECT_EQ(pool_.map(std::vector{1, 2}, [](int n) { return -n; }), (std::vector{-1, -2}));
  EXPECT_EQ(file.lines().size(), done);
}

TEST_F(PoolUnorderedTest, NotBeginningIsAllRightToo) {
  {
    const auto results = pool_.mapUnordered(std::views::iota(0, 1000), [](int n) { return n; });
  }
  EXPECT_EQ(pool_.map(std::vector{1}, [](int n) { return -n; }), std::vector{-1});
}

TEST_F(PoolUnorderedTest, TakesNoOtherOperationMeanwhile) {
  auto results = pool_.mapUnordered(std::views::iota(0, 100), [](int n) { return n; });
  EXPECT_THROW((void)pool_.map(std::vector{1}, [](int n) { return n; }), std::logic_error);
  EXPECT_THROW((void)pool_.mapUnordered(std::vector{1}, [](int n) { return n; }), std::logic_error);
  int count = 0;
  for ([[maybe_unused]] const auto& result : results) {
    ++count;
  }
  EXPECT_EQ(count, 100);
  // It is over, though the range still lives.
  EXPECT_EQ(pool_.map(std::vector{1}, [](int n) { return -n; }), std::vector{-1});
}

TEST_F(PoolUnorderedTest, ThrowsTheFailureFromTheLoopAndIsOverThen) {
  const auto work = [](int n) {
    if (n == 700) {
      throw std::runtime_error("seven hundred");
    }
    return n;
  };
  auto results = pool_.mapUnordered(std::views::iota(0, 1000), work);
  const auto goThrough = [&] {
    for (const auto& result : results) {
      EXPECT_NE(result.index, 700u);
    }
  };
  const auto error = thrownBy<TaskError>(goThrough);
  EXPECT_EQ(error.getItem(), 700u);
  EXPECT_EQ(error.getMessage(), "seven hundred");
  EXPECT_TRUE(results.begin() == results.end());
  EXPECT_EQ(pool_.map(std::vector{1}, [](int n) { return -n; }), std::vector{-1});
}

TEST_F(PoolUnorderedTest, RefusesACallbackThatHoldsAnAddressBeforeItStarts) {
  int local = 0;
  int* const pointer = &local;
  EXPECT_THROW((void)pool_.mapUnordered(std::vector{1}, [pointer](int n) { return n + *pointer; }),
               PortabilityError);
  EXPECT_EQ(pool_.map(std::vector{1}, [](int n) { return -n; }), std::vector{-1});
}

TEST_F(PoolUnorderedTest, OutlivesThePoolAndSaysSo) {
  auto pool = std::make_unique<ProcessPool>(2);
  auto results = pool->mapUnordered(std::views::iota(0, 1'000'000), [](int n) { return n; });
  auto iterator = results.begin();
  pool.reset();
  const auto goOn = [&] {
    while (iterator != results.end()) {
      ++iterator;
    }
  };
  EXPECT_THROW(goOn(), Interrupted);
  EXPECT_TRUE(results.begin() == results.end());
}

TEST_F(PoolUnorderedTest, IsNestedInACallback) {
  const auto sums = pool_.map(std::vector{10, 20}, [](int n) {
    ProcessPool inner(2);
    int sum = 0;
    for (const auto& [index, value] :
         inner.mapUnordered(std::views::iota(0, n), [](int i) { return 2 * i; })) {
      sum += value;
    }
    return sum;
  });
  EXPECT_EQ(sums, (std::vector{90, 380}));
}

// 640 MiB of results in all.
TEST(PoolUnorderedLargeTest, HoldsFewResultsHoweverSlowTheConsumer) {
  ProcessPool pool(3);
  const std::size_t before = residentBytes();
  std::size_t most = 0;
  std::size_t count = 0;
  const auto make = [](int n) { return std::string(65536, static_cast<char>('a' + n % 26)); };
  for (const auto& result : pool.mapUnordered(std::views::iota(0, 10'000), make)) {
    ASSERT_EQ(result.value.size(), 65536u);
    if (++count % 500 == 0) {
      most = std::max(most, residentBytes());
    }
  }
  EXPECT_EQ(count, 10'000u);
  EXPECT_LT(most, before + (std::size_t{250} << 20)) << "of 625 MiB in all";
}

TEST(WorkerUnorderedTest, NamesTheItemThatKilledItsWorker) {
  ProcessPool pool(2);
  const auto goThrough = [&] {
    for (const auto& result : pool.mapUnordered(std::views::iota(0, 1000), [](int n) {
           if (n == 500) {
             writeThroughNull();
           }
           return n;
         })) {
      EXPECT_NE(result.index, 500u);
    }
  };
  EXPECT_EQ(thrownBy<WorkerLost>(goThrough).getItem(), 500u);
  EXPECT_EQ(pool.map(std::vector{1}, [](int n) { return -n; }), std::vector{-1});
}

}  // namespace
}  // namespace procession::test
