#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <ranges>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/scoped_environment.hpp"

// What reduce, aggregate and mapReduce promise on every backend.

namespace procession::test {
namespace {

class PoolReduceTest : public testing::Test {
 protected:
  ProcessPool pool_{4};
};

TEST_F(PoolReduceTest, AgreesWithAccumulateForAnyNumberOfItems) {
  for (const std::size_t count : {0, 1, 2, 3, 9, 64, 65, 1000, 4711}) {
    const std::vector<int> items = randomNumbers(count);
    EXPECT_EQ(pool_.reduce(items, std::plus<>{}, 5L),
              std::accumulate(items.begin(), items.end(), 5L));
    EXPECT_EQ(pool_.mapReduce(
                  items, [](int n) { return 2L * n; }, std::plus<>{}, 5L),
              2 * std::accumulate(items.begin(), items.end(), 0L) + 5);
    EXPECT_EQ(pool_.reduce(
                  items, [](int a, int b) { return std::max(a, b); }, -2'000'000),
              std::accumulate(items.begin(), items.end(), -2'000'000,
                              [](int a, int b) { return std::max(a, b); }));
  }
}

// DESIGN section 12: reduce applies `initial` once per chunk and again.
TEST_F(PoolReduceTest, AppliesInitialExactlyOnceAndOnTheLeft) {
  const std::vector<std::string> items{"a", "b", "c"};
  EXPECT_EQ(pool_.reduce(items, std::plus<>{}, std::string("I")), "Iabc");
  EXPECT_EQ(pool_.reduce(std::vector<std::string>{"a"}, std::plus<>{}, std::string("I")), "Ia");
  EXPECT_EQ(pool_.reduce(std::vector<std::string>(), std::plus<>{}, std::string("I")), "I");
  EXPECT_EQ(pool_.reduce(std::vector<int>(1000, 1), std::plus<>{}, 1'000'000), 1'001'000);
  EXPECT_EQ(pool_.mapReduce(
                std::vector{1, 2}, [](int n) { return std::to_string(n); }, std::plus<>{},
                std::string("I")),
            "I12");
}

TEST_F(PoolReduceTest, KeepsTheOrderOfOperatorsThatDoNotCommute) {
  std::vector<std::string> items;
  std::string expected = ">";
  for (int i = 0; i < 3000; ++i) {
    items.push_back(std::to_string(i) + " ");
    expected += items.back();
  }
  EXPECT_EQ(pool_.reduce(items, std::plus<>{}, std::string(">")), expected);
  EXPECT_EQ(pool_.mapReduce(
                std::views::iota(0, 3000), [](int n) { return std::to_string(n) + " "; },
                std::plus<>{}, std::string(">")),
            expected);
}

TEST_F(PoolReduceTest, AggregateFoldsIntoAnotherType) {
  using Counts = std::map<std::string, int>;
  const std::vector<std::string> words{"b", "a", "b", "c", "b"};
  const auto count = [](Counts counts, const std::string& word) {
    ++counts[word];
    return counts;
  };
  const auto add = [](Counts left, const Counts& right) {
    for (const auto& [word, number] : right) {
      left[word] += number;
    }
    return left;
  };
  EXPECT_EQ(pool_.aggregate(words, Counts(), count, add), (Counts{{"a", 1}, {"b", 3}, {"c", 1}}));
  EXPECT_EQ(pool_.aggregate(std::vector<std::string>(), Counts{{"zero", 0}}, count, add),
            (Counts{{"zero", 0}}));
}

TEST_F(PoolReduceTest, AggregateKeepsTheOrder) {
  const auto append = [](std::vector<int> list, int item) {
    list.push_back(item);
    return list;
  };
  const auto join = [](std::vector<int> left, const std::vector<int>& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
  };
  EXPECT_EQ(pool_.aggregate(numbersUpTo(2000), std::vector<int>(), append, join),
            numbersUpTo(2000));
}

TEST_F(PoolReduceTest, ConvertsItemsToTheTypeOfInitial) {
  EXPECT_EQ(pool_.reduce(std::vector<float>{0.5F, 0.25F}, std::plus<>{}, 1.0), 1.75);
  const std::vector<std::int32_t> large(4, 2'000'000'000);
  EXPECT_EQ(pool_.reduce(large, std::plus<>{}, std::int64_t{0}), 8'000'000'000);
  EXPECT_EQ(pool_.reduce(std::vector{true, true, false}, std::plus<>{}, 0), 2);
}

TEST_F(PoolReduceTest, TakesLazyRanges) {
  EXPECT_EQ(pool_.reduce(std::views::iota(1L, 1'000'001L), std::plus<>{}, 0L), 500'000'500'000L);
}

TEST_F(PoolReduceTest, PassesWhatAnOperatorThrowsInTheParentOn) {
  // Fails for `initial` alone, which is combined in the parent.
  const auto add = [](int a, int b) { return a < 0 ? throw std::domain_error("negative") : a + b; };
  const auto error = thrownBy<TaskError>([&] {
    static_cast<void>(pool_.reduce(std::vector{1, 2}, add, -1));
  });
  EXPECT_EQ(error.getType(), "std::domain_error");
  EXPECT_EQ(pool_.reduce(std::vector{1, 2}, add, 1), 4);
}

TEST_F(PoolReduceTest, NamesTheItemAtWhichAnOperatorOnNumbersThrows) {
  // None is the first of its leaf; the last one is in a shorter leaf.
  for (const long item : {3L, 77'776L, 99'998L}) {
    const auto add = bindFront(
        [](long bad, long a, long b) { return b == bad ? throw std::domain_error("bad") : a + b; },
        item);
    for (const std::size_t grain : {std::size_t{7}, std::size_t{1000}}) {
      ProcessPool pool({.workerCount = 2, .grain = grain});
      const auto error = thrownBy<TaskError>(
          [&] { static_cast<void>(pool.reduce(std::views::iota(0L, 99'999L), add, 0L)); });
      EXPECT_EQ(error.getItem(), item) << "grain " << grain;
      EXPECT_EQ(error.getType(), "std::domain_error");
    }
  }
}

std::vector<double> randomDoubles(std::size_t count) {
  std::mt19937_64 random(4711);
  std::vector<double> numbers(count);
  for (double& number : numbers) {
    const double unit = std::ldexp(static_cast<double>(random() >> 11), -53);
    number = std::ldexp(
        unit - 0.5, static_cast<int>(random() % 40));  // so that the order shows in the last bits
  }
  return numbers;
}

struct Moments {
  double sum = 0;
  double squares = 0;
};

/// What all three kinds of reductions make of the items, as bits.
std::vector<std::uint64_t> bitsOf(const std::vector<double>& items, const PoolOptions& options) {
  ProcessPool pool(options);
  const auto fold = [](Moments moments, double x) {
    return Moments{moments.sum + x, moments.squares + x * x};
  };
  const auto combine = [](Moments a, Moments b) {
    return Moments{a.sum + b.sum, a.squares + b.squares};
  };
  const Moments moments = pool.aggregate(items, Moments{}, fold, combine);
  const double norm = pool.mapReduce(
      items, [](double x) { return x * x; }, std::plus<>{}, 1.0);
  std::vector<std::uint64_t> bits;
  for (const double result :
       {pool.reduce(items, std::plus<>{}, 0.1), norm, moments.sum, moments.squares}) {
    bits.push_back(std::bit_cast<std::uint64_t>(result));
  }
  return bits;
}

void expectTheSameBits(const std::vector<double>& items, std::initializer_list<int> workerCounts) {
  std::vector<std::uint64_t> expected;
  {
    PlainEnvironment environment;
    environment.set("PROCESSION_BACKEND", "serial");
    expected = bitsOf(items, {});
  }
  // A plain sum has other last bits: the comparison can fail.
  EXPECT_NE(expected[0],
            std::bit_cast<std::uint64_t>(std::accumulate(items.begin(), items.end(), 0.1)));
  for (const int workers : workerCounts) {
    EXPECT_EQ(bitsOf(items, {.workerCount = workers}), expected) << workers << " workers";
  }
  for (const std::size_t chunkSize : {std::size_t{1'000}, std::size_t{77'777}}) {
    EXPECT_EQ(bitsOf(items, {.workerCount = 3, .chunkSize = chunkSize}), expected)
        << "chunks of " << chunkSize;
  }
}

/// What the pool promises of leaves of `grain` items: each is folded from left to right, then they
/// are added in pairs, and the pairs in pairs.
double sumAsPromised(std::span<const double> items, std::size_t grain) {
  if (items.size() <= grain) {
    return std::accumulate(items.begin() + 1, items.end(), items.front());
  }
  const std::size_t leaves = (items.size() - 1) / grain + 1;
  const std::size_t left = std::bit_ceil(leaves) / 2 * grain;
  return sumAsPromised(items.first(left), grain) + sumAsPromised(items.subspan(left), grain);
}

TEST(ReductionBitsTest, AreThoseOfTheTreeThatIsPromised) {
  for (const std::size_t count : {1, 17, 4096, 100'003}) {
    const std::vector<double> items = randomDoubles(count);
    for (const std::size_t grain : {1, 3, 64, 1000}) {
      ProcessPool pool({.workerCount = 3, .grain = grain});
      const double expected = 0.1 + sumAsPromised(items, grain);
      EXPECT_EQ(std::bit_cast<std::uint64_t>(pool.reduce(items, std::plus<>{}, 0.1)),
                std::bit_cast<std::uint64_t>(expected))
          << count << " items, grain " << grain;
    }
  }
}

TEST(ReductionBitsTest, AreTheSameForAnyNumberOfWorkersAndChunkSize) {
  expectTheSameBits(randomDoubles(100'003), {1, 2, 3, 7});
}

TEST(ReductionBitsLargeTest, AreTheSameForTenMillionDoublesAndUpTo64Workers) {
  expectTheSameBits(randomDoubles(10'000'000), {1, 2, 3, 7, 64});
}

TEST(ReductionBitsTest, ChangeWithTheGrain) {
  const std::vector<double> items = randomDoubles(100'003);
  std::set<std::vector<std::uint64_t>> different;
  for (const std::size_t grain : {1, 10, 1000}) {
    const auto bits = bitsOf(items, {.workerCount = 2, .grain = grain});
    EXPECT_EQ(bitsOf(items, {.workerCount = 3, .grain = grain}), bits) << "grain " << grain;
    different.insert(bits);
  }
  EXPECT_GT(different.size(), 1u);
}

}  // namespace
}  // namespace procession::test
