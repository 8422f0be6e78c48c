#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"

// What map, starmap, filter and each promise on every backend, with every kind of items and
// results.

namespace procession::test {
namespace {

const std::vector<std::size_t> kCounts{0, 1, 2, 9, 63, 64, 65, 1000, 4711};

class PoolMapTest : public testing::Test {
 protected:
  ProcessPool pool_{4};
};

// DESIGN section 12: results in completion order; map of nothing throws.
TEST_F(PoolMapTest, GivesTheResultsInTheOrderOfTheItemsForAnyNumberOfThem) {
  for (const std::size_t count : kCounts) {
    const std::vector<int> items = randomNumbers(count);
    std::vector<long> expected;
    std::ranges::transform(items, std::back_inserter(expected), [](int n) { return 3L * n; });
    EXPECT_EQ(pool_.map(items, [](int n) { return 3L * n; }), expected);
  }
}

TEST_F(PoolMapTest, OfNothingIsNothing) {
  const std::vector<std::string> none;
  EXPECT_TRUE(pool_.map(none, [](const std::string& s) { return s.size(); }).empty());
  EXPECT_TRUE(pool_.filter(none, [](const std::string&) { return true; }).empty());
  EXPECT_TRUE(pool_.starmap(std::vector<std::tuple<int, int>>(), [](int a, int b) { return a + b; })
                  .empty());
  pool_.each(none, [](const std::string&) {});
  EXPECT_EQ(pool_.getProcessedCount(), 0u);
}

TEST_F(PoolMapTest, StarmapSpreadsTheElementsOfAnItemOverTheArguments) {
  using Strings = std::vector<std::string>;
  const std::vector<std::tuple<int, std::string>> tuples{{2, "a"}, {0, "b"}, {3, "c"}};
  EXPECT_EQ(
      pool_.starmap(tuples, [](int n, const std::string& s) { return std::to_string(n) + s; }),
      (Strings{"2a", "0b", "3c"}));
  const std::vector<std::pair<int, int>> pairs{{1, 2}, {3, 4}};
  EXPECT_EQ(pool_.starmap(pairs, std::plus<>{}), (std::vector<int>{3, 7}));
  const std::vector<std::array<double, 3>> arrays{{1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(pool_.starmap(arrays, [](double a, double b, double c) { return a * b * c; }),
            (std::vector<double>{6, 120}));
}

TEST_F(PoolMapTest, FilterKeepsTheItemsForWhichThePredicateIsTrueInOrder) {
  for (const std::size_t count : kCounts) {
    const std::vector<int> items = randomNumbers(count);
    std::vector<int> expected;
    std::ranges::copy_if(items, std::back_inserter(expected), [](int n) { return n % 3 == 0; });
    EXPECT_EQ(pool_.filter(items, [](int n) { return n % 3 == 0; }), expected);
  }
}

// DESIGN section 12: filter drops falsy items.
TEST_F(PoolMapTest, FilterKeepsItemsThatAreThemselvesZeroFalseOrEmpty) {
  EXPECT_EQ(pool_.filter(std::vector{0, 1, 0, -0}, [](int n) { return n == 0; }),
            (std::vector{0, 0, 0}));
  EXPECT_EQ(pool_.filter(std::vector{false, true, false}, [](bool b) { return !b; }),
            (std::vector{false, false}));
  EXPECT_EQ(pool_.filter(std::vector<std::string>{"", "a", ""},
                         [](const std::string& s) { return s.empty(); }),
            (std::vector<std::string>{"", ""}));
  EXPECT_EQ(pool_.filter(std::vector<std::optional<int>>{std::nullopt, 0},
                         [](std::optional<int>) { return true; }),
            (std::vector<std::optional<int>>{std::nullopt, 0}));
}

TEST_F(PoolMapTest, EachCallsTheCallbackOnceForEveryItem) {
  const SharedFile file;
  const auto note = [](const std::string& path, int item) {
    SharedFile::append(path, std::to_string(item));
  };
  pool_.each(numbersUpTo(100), bindFront(note, file.path()));
  std::vector<int> seen;
  std::ranges::transform(file.lines(), std::back_inserter(seen),
                         [](const auto& line) { return std::stoi(line); });
  std::ranges::sort(seen);
  EXPECT_EQ(seen, numbersUpTo(100));
}

TEST_F(PoolMapTest, CarriesBoolsInAndOut) {
  std::vector<bool> items(1000);
  for (std::size_t i = 0; i < items.size(); i += 3) {
    items[i] = true;
  }
  std::vector<bool> expected = items;
  expected.flip();
  EXPECT_EQ(pool_.map(items, [](bool b) { return !b; }), expected);
}

struct Record {
  std::string name;
  std::map<std::string, std::vector<int>> values;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& name& values;
  }
  friend bool operator==(const Record&, const Record&) = default;
};

TEST_F(PoolMapTest, CarriesStructuredItemsAndResults) {
  const std::vector<int> items = numbersUpTo(200);
  const auto make = [](int n) {
    return Record{std::to_string(n), {{"v", std::vector<int>(static_cast<std::size_t>(n), n)}}};
  };
  const std::vector<Record> records = pool_.map(items, make);
  ASSERT_EQ(records.size(), items.size());
  EXPECT_EQ(records[150], make(150));
  EXPECT_EQ(pool_.map(records, [](const Record& record) { return std::stoi(record.name); }), items);
  EXPECT_EQ(pool_.filter(records, [](const Record& record) { return record.name == "7"; }),
            std::vector<Record>{make(7)});
}

TEST_F(PoolMapTest, CarriesResultsThatCannotBeCopied) {
  const auto results = pool_.map(
      numbersUpTo(50), [](int n) { return std::make_unique<std::string>(std::to_string(n)); });
  ASSERT_EQ(results.size(), 50u);
  EXPECT_EQ(*results[49], "49");
}

/// Cannot be made without a text, nor assigned.
struct Label {
  explicit Label(std::string given) : text(std::move(given)) {}
  const std::string text;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& const_cast<std::string&>(text);
  }
};
template <class Archive>
void load_construct_data(Archive&, Label* label, unsigned) {
  ::new (label) Label("");
}
struct Fixed {
  const int number;
};

TEST_F(PoolMapTest, CarriesResultsThatCanNeitherBeMadeEmptyNorAssigned) {
  const std::vector<Label> labels =
      pool_.map(numbersUpTo(1000), [](int n) { return Label(std::to_string(n)); });
  const std::vector<Fixed> fixed = pool_.map(numbersUpTo(1000), [](int n) { return Fixed{n}; });
  ASSERT_EQ(labels.size(), 1000u);
  ASSERT_EQ(fixed.size(), 1000u);
  for (int n = 0; n < 1000; ++n) {
    ASSERT_EQ(labels[static_cast<std::size_t>(n)].text, std::to_string(n));
    ASSERT_EQ(fixed[static_cast<std::size_t>(n)].number, n);
  }
}

/// Cannot be made without a value.
struct Kelvin {
  explicit Kelvin(double given) : degrees(given) {}
  double degrees;
};

TEST_F(PoolMapTest, CarriesPlainResultsWithoutADefaultConstructor) {
  const std::vector<Kelvin> results = pool_.map(numbersUpTo(1000), [](int n) { return Kelvin(n); });
  ASSERT_EQ(results.size(), 1000u);
  EXPECT_EQ(results[999].degrees, 999);
}

template <std::size_t alignment>
struct alignas(alignment) Aligned {
  int number = 0;
  std::uintptr_t misplacement = 0;

  explicit Aligned(int given = 0)
      : number(given), misplacement(reinterpret_cast<std::uintptr_t>(this) % alignment) {}
};

template <std::size_t alignment>
void expectAligned(ProcessPool& pool) {
  using Item = Aligned<alignment>;
  for (const int count : {3, 1000}) {  // in the frame, and in a slot
    std::vector<Item> items;
    for (int i = 0; i < count; ++i) {
      items.emplace_back(i);
    }
    const auto results = pool.map(items, [](const Item& item) {
      const bool isWell = reinterpret_cast<std::uintptr_t>(&item) % alignment == 0;
      return Item(isWell ? item.number : -1);
    });
    ASSERT_EQ(results.size(), items.size());
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(results[static_cast<std::size_t>(i)].number, i) << alignment;
      ASSERT_EQ(results[static_cast<std::size_t>(i)].misplacement, 0u) << alignment;
    }
  }
}

TEST_F(PoolMapTest, LaysOverAlignedTypesOutAsTheyWant) {
  expectAligned<32>(pool_);
  expectAligned<64>(pool_);
  expectAligned<128>(pool_);
}

// DESIGN section 12: a result above about 200 kB hangs.
TEST_F(PoolMapTest, CarriesResultsOfAnySize) {
  constexpr std::size_t kKiB = 1024;
  const std::vector<std::size_t> sizes{
      0, 1, 64 * kKiB - 1, 64 * kKiB, 64 * kKiB + 1, 300 * kKiB, 20 * kKiB * kKiB, 0};
  const auto results = pool_.map(
      sizes, [](std::size_t size) { return std::string(size, static_cast<char>(size % 251)); });
  ASSERT_EQ(results.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_TRUE(results[i] == std::string(sizes[i], static_cast<char>(sizes[i] % 251))) << sizes[i];
  }
}

TEST_F(PoolMapTest, CarriesItemsOfAnySize) {
  std::vector<std::string> items{"", "a", std::string(64 * 1024 + 1, 'b'),
                                 std::string(20 << 20, 'c'), "d"};
  const auto sizes = pool_.map(items, [](const std::string& item) { return item.size(); });
  EXPECT_EQ(sizes, (std::vector<std::size_t>{0, 1, 64 * 1024 + 1, 20 << 20, 1}));
}

TEST(PoolMapLargeTest, CarriesAResultOf300MiB) {
  ProcessPool pool(1);
  constexpr std::size_t kSize = std::size_t{300} << 20;
  const auto results = pool.map(std::vector<std::size_t>{kSize}, [](std::size_t size) {
    std::string text(size, 'x');
    text.back() = 'y';
    return text;
  });
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].size(), kSize);
  EXPECT_EQ(results[0].front(), 'x');
  EXPECT_EQ(results[0].back(), 'y');
}

TEST_F(PoolMapTest, TakesAnySizedRandomAccessRange) {
  const auto twice = [](int n) { return 2 * n; };
  const std::vector<int> expected{2, 4, 6};
  const std::array<int, 3> array{1, 2, 3};
  EXPECT_EQ(pool_.map(std::deque{1, 2, 3}, twice), expected);
  EXPECT_EQ(pool_.map(array, twice), expected);
  EXPECT_EQ(pool_.map(std::span<const int>(array), twice), expected);
  EXPECT_EQ(pool_.map(std::deque<std::string>{"1", "2", "3"},
                      [](const std::string& s) { return 2 * std::stoi(s); }),
            expected);
  const std::vector<int> more{0, 1, 2, 3, 4};
  EXPECT_EQ(pool_.map(std::ranges::subrange(more.begin() + 1, more.end() - 1), twice), expected);
  EXPECT_EQ(pool_.map(more | std::views::drop(1) | std::views::take(3), twice), expected);
}

TEST_F(PoolMapTest, LazyRangesAreComputedByTheWorkers) {
  const auto squares =
      std::views::iota(0, 1000) | std::views::transform([](int n) { return n * n; });
  const auto odd =
      pool_.map(squares | std::views::reverse | std::views::take(3), [](int n) { return n + 1; });
  EXPECT_EQ(odd, (std::vector{998002, 996005, 994010}));
  EXPECT_EQ(pool_.filter(std::views::iota(1L, 100'000L), [](long n) { return n % 33'333 == 0; }),
            (std::vector{33'333L, 66'666L, 99'999L}));
  // A billion items would not fit a message.
  const auto few = std::views::iota(std::int64_t{0}, std::int64_t{1} << 60) | std::views::take(3);
  EXPECT_EQ(pool_.map(few, [](std::int64_t n) { return n; }), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST_F(PoolMapTest, LazyRangesSayWhereTheyComputeTheirItems) {
  const auto whoComputes =
      std::views::iota(0, 20) | std::views::transform([](int) { return getpid(); });
  const auto same = pool_.map(whoComputes, [](pid_t computer) { return computer == getpid(); });
  EXPECT_EQ(std::ranges::count(same, true), 20);
}

/// Throws in the midst of chunks, once an item.
template <class Result, class Make>
Result throwOnce(const std::string& path, int n, Make make) {
  if (n % 37 == 20) {
    const std::string file = path + "." + std::to_string(n);
    SharedFile::append(file, "attempt");
    if (SharedFile::linesOf(file).size() == 1) {
      throw std::runtime_error("once");
    }
  }
  return make(n);
}

TEST(PoolRetryTest, ResultsInFrontOfAnItemThatThrowsAreKept) {
  const auto numbers = numbersUpTo(300);
  for (const std::size_t chunkSize : {0, 1, 100}) {
    ProcessPool pool({.workerCount = 2, .chunkSize = chunkSize, .retries = 1});
    const SharedFile raw;
    const auto same = [](const std::string& path, int n) {
      return throwOnce<int>(path, n, [](int number) { return number; });
    };
    EXPECT_EQ(pool.map(numbers, bindFront(same, raw.path())), numbers);
    const SharedFile text;
    const auto print = [](const std::string& path, int n) {
      return throwOnce<std::string>(path, n, [](int number) { return std::to_string(number); });
    };
    EXPECT_EQ(pool.map(numbers, bindFront(print, text.path())),
              pool.map(numbers, [](int n) { return std::to_string(n); }));
    const SharedFile bits;
    const auto isThird = [](const std::string& path, int n) {
      return throwOnce<bool>(path, n, [](int number) { return number % 3 == 0; });
    };
    EXPECT_EQ(pool.filter(numbers, bindFront(isThird, bits.path())),
              pool.filter(numbers, [](int n) { return n % 3 == 0; }));
    const SharedFile nodes;
    EXPECT_EQ(pool.mapReduce(numbers, bindFront(same, nodes.path()), std::plus<>{}, 0),
              299 * 300 / 2);
  }
}

}  // namespace
}  // namespace procession::test
