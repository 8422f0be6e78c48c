#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/scoped_environment.hpp"

// Random items, chunk sizes, grains and worker counts: every operation gives what the standard
// algorithms give on one thread, and what the serial backend gives to the last bit.
//
// A failure names its seed. --gtest_random_seed=N looks at that one alone, or at others than here.

namespace procession::test {
namespace {

constexpr std::uint32_t kSeeds = 25;

class PoolPropertyTest : public testing::Test {
 protected:
  using Random = std::mt19937;

  /// Calls `property(random, options)` for each seed.
  template <class Property>
  static void forRandomCases(Property property) {
    const auto asked = static_cast<std::uint32_t>(GTEST_FLAG_GET(random_seed));
    const std::uint32_t first = asked == 0 ? 1 : asked;
    const std::uint32_t last = asked == 0 ? kSeeds : asked;
    for (std::uint32_t seed = first; seed <= last; ++seed) {
      Random random(seed);
      const PoolOptions options = randomOptions(random);
      SCOPED_TRACE("seed " + std::to_string(seed) + ": " + std::to_string(options.workerCount) +
                   " workers, chunks of " + std::to_string(options.chunkSize) + ", grain " +
                   std::to_string(options.grain));
      property(random, options);
    }
  }

  /// Mostly few, now and then many.
  static std::size_t randomCount(Random& random) {
    const std::uint32_t most = std::uint32_t{1} << random() % 15;
    return random() % (most + 1);
  }

  template <class Item, class Make>
  static std::vector<Item> randomItems(Random& random, Make make) {
    std::vector<Item> items(randomCount(random));
    std::generate(items.begin(), items.end(), [&] { return make(random); });
    return items;
  }

  static std::string randomWord(Random& random) {
    return std::string(random() % 3 == 0 ? random() % 2000 : random() % 8,
                       static_cast<char>('a' + random() % 26));
  }

  /// Of very different magnitudes, so that the order of a sum shows in its last bits.
  static double randomDouble(Random& random) {
    return std::ldexp(static_cast<double>(random()) - 2e9, static_cast<int>(random() % 60));
  }

  /// What `operation` gives on the serial backend.
  template <class Operation>
  static auto serially(const PoolOptions& options, Operation operation) {
    PlainEnvironment environment;
    environment.set("PROCESSION_BACKEND", "serial");
    ProcessPool pool(options);
    return operation(pool);
  }

 private:
  static PoolOptions randomOptions(Random& random) {
    const auto sometimes = [&random](std::uint32_t most) -> std::size_t {
      return random() % 2 == 0 ? 0 : 1 + random() % most;
    };
    PoolOptions options;
    options.workerCount = static_cast<int>(1 + random() % 6);
    options.chunkSize = sometimes(500);
    options.grain = sometimes(100);
    options.retries = static_cast<int>(random() % 2);
    return options;
  }
};

struct Point {
  std::int32_t x = 0;
  std::int8_t y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

TEST_F(PoolPropertyTest, MapIsTransform) {
  forRandomCases([](Random& random, const PoolOptions& options) {
    ProcessPool pool(options);
    const auto check = [&pool](const auto& items, auto callback) {
      using Result = std::invoke_result_t<decltype(callback), decltype(items.front())>;
      std::vector<Result> expected;
      std::ranges::transform(items, std::back_inserter(expected), callback);
      EXPECT_EQ(pool.map(items, callback), expected) << items.size() << " items";
    };
    const auto numbers = randomItems<int>(random, [](Random& r) { return static_cast<int>(r()); });
    check(numbers, [](int n) { return std::int64_t{3} * n; });
    check(numbers, [](int n) { return std::to_string(n); });
    check(numbers, [](int n) { return n % 2 == 0; });
    check(numbers, [](int n) { return Point{n, static_cast<std::int8_t>(n % 100)}; });
    check(numbers,
          [](int n) { return std::vector<short>(static_cast<unsigned>(n) % 9, short(n)); });
    const auto words = randomItems<std::string>(random, randomWord);
    check(words, [](const std::string& word) { return word.size(); });
    check(words, [](const std::string& word) { return std::pair(word, word + "!"); });
    const auto lists = randomItems<std::vector<std::string>>(
        random, [](Random& r) { return std::vector<std::string>(r() % 4, randomWord(r)); });
    check(lists, [](const std::vector<std::string>& list) {
      return std::map<std::string, std::size_t>{{list.empty() ? "" : list[0], list.size()}};
    });
  });
}

TEST_F(PoolPropertyTest, FilterIsCopyIf) {
  forRandomCases([](Random& random, const PoolOptions& options) {
    ProcessPool pool(options);
    const auto check = [&pool](const auto& items, auto predicate) {
      std::remove_cvref_t<decltype(items)> expected;
      std::ranges::copy_if(items, std::back_inserter(expected), predicate);
      EXPECT_EQ(pool.filter(items, predicate), expected) << items.size() << " items";
    };
    check(randomItems<double>(random, randomDouble), [](double x) { return x > 0; });
    check(randomItems<std::string>(random, randomWord),
          [](const std::string& word) { return word < "m"; });
  });
}

TEST_F(PoolPropertyTest, ReductionsAreAccumulate) {
  forRandomCases([](Random& random, const PoolOptions& options) {
    ProcessPool pool(options);
    const auto numbers = randomItems<std::uint32_t>(random, [](Random& r) { return r(); });
    EXPECT_EQ(pool.reduce(numbers, std::plus<>{}, std::uint64_t{5}),
              std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{5}));
    EXPECT_EQ(pool.reduce(numbers, std::bit_xor<>{}, 7u),
              std::accumulate(numbers.begin(), numbers.end(), 7u, std::bit_xor<>{}));
    // Neither of these commutes.
    const auto words = randomItems<std::string>(random, randomWord);
    EXPECT_TRUE(pool.reduce(words, std::plus<>{}, std::string(">")) ==
                std::accumulate(words.begin(), words.end(), std::string(">")));
    const auto append = [](std::vector<std::uint32_t> list, std::uint32_t item) {
      list.push_back(item);
      return list;
    };
    const auto join = [](std::vector<std::uint32_t> left, const std::vector<std::uint32_t>& right) {
      left.insert(left.end(), right.begin(), right.end());
      return left;
    };
    EXPECT_EQ(pool.aggregate(numbers, std::vector<std::uint32_t>(), append, join), numbers);
    const auto count = static_cast<std::int64_t>(randomCount(random));
    const auto square = [](std::int64_t n) { return n * n; };
    EXPECT_EQ(pool.mapReduce(std::views::iota(std::int64_t{0}, count), square, std::plus<>{},
                             std::int64_t{0}),
              (count - 1) * count * (2 * count - 1) / 6);
  });
}

struct Moments {
  double sum = 0;
  double squares = 0;
};

TEST_F(PoolPropertyTest, FloatingPointReductionsHaveTheBitsOfTheSerialBackend) {
  forRandomCases([](Random& random, const PoolOptions& options) {
    const auto items = randomItems<double>(random, randomDouble);
    const auto reduceAll = [&items](ProcessPool& pool) {
      const auto fold = [](Moments m, double x) { return Moments{m.sum + x, m.squares + x * x}; };
      const auto combine = [](Moments a, Moments b) {
        return Moments{a.sum + b.sum, a.squares + b.squares};
      };
      const Moments moments = pool.aggregate(items, Moments{}, fold, combine);
      const auto third = [](double x) { return x / 3; };
      return std::vector{
          std::bit_cast<std::uint64_t>(pool.reduce(items, std::plus<>{}, 0.1)),
          std::bit_cast<std::uint64_t>(pool.mapReduce(items, third, std::plus<>{}, 0.1)),
          std::bit_cast<std::uint64_t>(moments.sum), std::bit_cast<std::uint64_t>(moments.squares)};
    };
    PoolOptions serial = options;
    serial.workerCount = 1;
    serial.chunkSize = 0;
    ProcessPool pool(options);
    EXPECT_EQ(reduceAll(pool), serially(serial, reduceAll)) << items.size() << " items";
  });
}

}  // namespace
}  // namespace procession::test
