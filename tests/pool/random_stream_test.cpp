#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <numeric>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"

// Every callback that takes a Random after its item gets the stream of the seed and the item's
// index, whoever runs it and however often.

namespace procession::test {
namespace {

constexpr std::uint64_t kSeed = 0xfeedfacecafebeef;
constexpr int kItems = 1000;

using Numbers = std::vector<std::uint64_t>;

/// The first numbers of the streams of so many items, not computed by a pool.
Numbers firstNumbers(std::uint64_t seed, int count) {
  Numbers numbers;
  for (int i = 0; i < count; ++i) {
    numbers.push_back(Random(seed, static_cast<std::uint64_t>(i))());
  }
  return numbers;
}

std::uint64_t first(int, Random& random) { return random(); }

class PoolRandomTest : public testing::Test {
 protected:
  const std::vector<int> items_ = numbersUpTo(kItems);
  const Numbers expected_ = firstNumbers(kSeed, kItems);
  ProcessPool pool_{{.workerCount = 2, .seed = kSeed}};
};

TEST_F(PoolRandomTest, NumbersDependNeitherOnTheWorkersNorOnTheChunks) {
  for (const int workers : {1, 2, 3}) {
    for (const std::size_t chunkSize : {0u, 1u, 7u, 5000u}) {
      ProcessPool pool({.workerCount = workers, .chunkSize = chunkSize, .seed = kSeed});
      EXPECT_EQ(pool.map(items_, first), expected_) << workers << " " << chunkSize;
    }
  }
}

TEST_F(PoolRandomTest, TheSeedIsZeroWhereNoneIsGiven) {
  EXPECT_EQ(ProcessPool(2).map(items_, first), firstNumbers(0, kItems));
}

TEST_F(PoolRandomTest, EveryItemHasAStreamOfItsOwnUnderEverySeed) {
  std::set<std::uint64_t> seen;
  for (const std::uint64_t seed : {kSeed, kSeed + 1}) {
    ProcessPool pool({.workerCount = 2, .seed = seed});
    for (const std::uint64_t number : pool.map(items_, first)) {
      EXPECT_TRUE(seen.insert(number).second);
    }
  }
}

TEST_F(PoolRandomTest, AllOperationsOfAPoolGiveAnItemTheSameStream) {
  EXPECT_EQ(pool_.map(items_, first), pool_.map(items_, first));
}

TEST_F(PoolRandomTest, KindOfItemsDoesNotMatter) {
  EXPECT_EQ(pool_.map(std::views::iota(0, kItems), first), expected_);
  const std::vector<std::string> texts(kItems, "text");
  EXPECT_EQ(pool_.map(texts, [](const std::string&, Random& random) { return random(); }),
            expected_);
  // Results that are encoded one by one.
  const auto strings =
      pool_.map(items_, [](int, Random& random) { return std::to_string(random()); });
  for (std::size_t i = 0; i < strings.size(); ++i) {
    ASSERT_EQ(strings[i], std::to_string(expected_[i]));
  }
}

TEST_F(PoolRandomTest, EveryKindOfCallbackMayTakeThem) {
  const std::uint64_t mask = 0xff;
  Numbers masked = expected_;
  for (std::uint64_t& number : masked) {
    number &= mask;
  }
  EXPECT_EQ(pool_.map(items_, [mask](int, Random& random) { return random() & mask; }), masked);
  EXPECT_EQ(pool_.map(items_, [](int& item, Random& random) { return item = 0, random(); }),
            expected_);
  EXPECT_EQ(pool_.map(items_, [](auto, auto& random) { return random(); }), expected_);
  const auto bound = [](const std::vector<std::uint64_t>& masks, int, Random& random) {
    return random() & masks.front();
  };
  EXPECT_EQ(pool_.map(items_, bindFront(bound, std::vector{mask})), masked);
  EXPECT_EQ(pool_.map(items_, asBytes([mask](int, Random& random) { return random() & mask; })),
            masked);
}

TEST_F(PoolRandomTest, LocalOnlyCallbacksTakeThemAsWell) {
  std::uint64_t mask = ~std::uint64_t{0};
  const auto callback = [&mask](int, Random& random) { return random() & mask; };
  EXPECT_EQ(pool_.map(items_, localOnly(callback)), expected_);
}

struct Either {
  bool operator()(int) const { return false; }
  bool operator()(int, Random&) const { return true; }
};

TEST_F(PoolRandomTest, ACallbackThatNeedsNoneGetsNone) {
  const auto count = [](auto... all) { return sizeof...(all); };
  EXPECT_EQ(pool_.map(std::vector{7}, count), std::vector<std::size_t>{1});
  EXPECT_EQ(pool_.map(std::vector{7}, Either()), std::vector<bool>{false});
}

TEST_F(PoolRandomTest, GeneratorsMayBeItemsThemselves) {
  std::vector<Random> generators;
  for (std::uint64_t i = 0; i < kItems; ++i) {
    generators.emplace_back(kSeed, i);
  }
  EXPECT_EQ(pool_.map(generators, [](Random random) { return random(); }), expected_);
  // They go on where a worker left them.
  auto advanced = pool_.map(generators, [](Random& random) { return random(), random; });
  generators.at(7)();
  EXPECT_EQ(advanced.at(7)(), generators.at(7)());
}

TEST_F(PoolRandomTest, StreamedResultsAreOfTheSameStreams) {
  Numbers numbers(kItems);
  for (const auto& [index, number] : pool_.mapUnordered(items_, first)) {
    numbers.at(index) = number;
  }
  EXPECT_EQ(numbers, expected_);
}

TEST_F(PoolRandomTest, StarmapPassesThemBehindTheElements) {
  const std::vector<std::pair<int, int>> pairs(kItems, {3, 4});
  const auto callback = [](int a, int b, Random& random) {
    return a + b == 7 ? random() : std::uint64_t{0};
  };
  EXPECT_EQ(pool_.starmap(pairs, callback), expected_);
  std::uint64_t mask = ~std::uint64_t{0};
  EXPECT_EQ(pool_.starmap(pairs, bindFront([](std::uint64_t bits, int, int,
                                              Random& random) { return random() & bits; },
                                           mask)),
            expected_);
}

TEST_F(PoolRandomTest, FilterDrawsLots) {
  std::vector<int> drawn;
  for (int i = 0; i < kItems; ++i) {
    if (Random(kSeed, static_cast<std::uint64_t>(i)).uniform() < 0.25) {
      drawn.push_back(i);
    }
  }
  EXPECT_EQ(pool_.filter(items_, [](int, Random& random) { return random.uniform() < 0.25; }),
            drawn);
}

TEST_F(PoolRandomTest, EachMayUseThem) {
  const SharedFile file;
  pool_.each(numbersUpTo(20),
             bindFront(
                 [](const std::string& path, int item, Random& random) {
                   SharedFile::append(path, std::to_string(item) + " " + std::to_string(random()));
                 },
                 file.path()));
  std::set<std::string> expected;
  for (std::size_t i = 0; i < 20; ++i) {
    expected.insert(std::to_string(i) + " " + std::to_string(expected_[i]));
  }
  const auto lines = file.lines();
  EXPECT_EQ(std::set(lines.begin(), lines.end()), expected);
  EXPECT_EQ(lines.size(), expected.size());
}

TEST_F(PoolRandomTest, MapReduceAndAggregateGiveThemToEveryItemOfALeaf) {
  const std::uint64_t sum = std::reduce(expected_.begin(), expected_.end());
  const auto add = [](std::uint64_t all, int, Random& random) { return all + random(); };
  for (const std::size_t grain : {0u, 1u, 7u, 64u}) {
    ProcessPool pool({.workerCount = 3, .seed = kSeed, .grain = grain});
    EXPECT_EQ(pool.mapReduce(items_, first, std::plus<>{}, std::uint64_t{0}), sum) << grain;
    EXPECT_EQ(pool.aggregate(items_, std::uint64_t{0}, add, std::plus<>{}), sum) << grain;
  }
}

TEST_F(PoolRandomTest, FloatingPointSumsHaveTheSameBitsForAnyNumberOfWorkers) {
  const auto noise = [](int, Random& random) { return random.normal() + random.uniform(); };
  std::set<double> sums;
  for (const int workers : {1, 2, 3}) {
    ProcessPool pool({.workerCount = workers, .seed = kSeed});
    sums.insert(pool.mapReduce(items_, noise, std::plus<>{}, 0.0));
  }
  EXPECT_EQ(sums.size(), 1u);
}

TEST_F(PoolRandomTest, AnItemThatIsTriedAgainGetsTheSameNumbers) {
  const SharedFile file;
  const auto failsAtFirst = [](const std::string& path, int item, Random& random) {
    const std::uint64_t number = random();
    if (item % 100 == 0) {
      const std::string line = std::to_string(item);
      const auto before = SharedFile::linesOf(path);
      SharedFile::append(path, line);
      if (std::ranges::count(before, line) == 0) {
        throw std::runtime_error("at first");
      }
    }
    return number;
  };
  ProcessPool pool({.workerCount = 2, .retries = 1, .seed = kSeed});
  EXPECT_EQ(pool.map(items_, bindFront(failsAtFirst, file.path())), expected_);
  EXPECT_EQ(file.lines().size(), 2u * kItems / 100);
}

TEST_F(PoolRandomTest, APoolInsideOfAWorkerHasStreamsOfItsOwnSeed) {
  const auto nested = [](int item, Random& random) {
    ProcessPool inner({.workerCount = 2, .seed = static_cast<std::uint64_t>(item)});
    auto numbers = inner.map(numbersUpTo(10), first);
    numbers.push_back(random());
    return numbers;
  };
  const auto results = pool_.map(numbersUpTo(5), nested);
  for (std::size_t i = 0; i < results.size(); ++i) {
    Numbers expected = firstNumbers(i, 10);
    expected.push_back(expected_[i]);
    EXPECT_EQ(results[i], expected);
  }
}

TEST(WorkerRandomTest, AnItemWhoseWorkerDiedGetsTheSameNumbersAgain) {
  const auto diesAtFirst = [](const std::string& path, int item, Random& random) {
    const std::uint64_t number = random();
    if (item == 321 && SharedFile::linesOf(path).empty()) {
      SharedFile::append(path, "died");
      std::raise(SIGKILL);
    }
    return number;
  };
  for (const int workers : {1, 3}) {
    const SharedFile died;
    ProcessPool pool({.workerCount = workers, .retries = 1, .seed = kSeed});
    EXPECT_EQ(pool.map(numbersUpTo(kItems), bindFront(diesAtFirst, died.path())),
              firstNumbers(kSeed, kItems));
    EXPECT_EQ(died.lines().size(), 1u);
  }
}

}  // namespace
}  // namespace procession::test
