#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backend/ranks.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"

// Many more ranks than cores, with items and results of random sizes, from nothing to some MiB,
// that take random times: messages of all sizes are under way in all directions at any moment, and
// no two ranks may come to wait for each other.

namespace procession::test {
namespace {

constexpr std::uint64_t kSeed = 4711;

/// SplitMix64: https://prng.di.unimi.it/splitmix64.c
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

/// All orders of magnitude are as frequent, up to 2 MiB; one in eight is empty.
std::size_t randomSize(std::uint64_t random) {
  if (random % 8 == 0) {
    return 0;
  }
  const std::uint64_t magnitude = (random >> 8) % 22;
  return (std::uint64_t{1} << magnitude) + (random >> 16) % (std::uint64_t{1} << magnitude);
}

/// Its content tells which one it is, at both ends.
std::string randomText(std::uint64_t id) {
  std::string text(randomSize(mix(id)), static_cast<char>('a' + id % 26));
  const std::string name = std::to_string(id);
  if (text.size() >= 2 * name.size()) {
    text.replace(0, name.size(), name);
    text.replace(text.size() - name.size(), name.size(), name);
  }
  return text;
}

std::vector<std::string> randomTexts(std::uint64_t operation, std::uint64_t count) {
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i < count; ++i) {
    texts.push_back(randomText(1000 * operation + i));
  }
  return texts;
}

std::uint64_t hashOf(const std::string& text) { return std::hash<std::string>{}(text); }

/// Some items take no time, some a few milliseconds.
void dawdle(std::uint64_t hash) {
  const std::uint64_t random = mix(hash);
  if (random % 2 == 0) {
    usleep(static_cast<useconds_t>((random >> 8) % 5000));
  }
}

std::string answerTo(const std::string& text) { return randomText(hashOf(text)); }

class ManyRanksTest : public testing::Test {
 protected:
  static std::uint64_t itemCount(std::uint64_t operation) {
    return 1 + mix(kSeed + operation) % static_cast<std::uint64_t>(4 * ranks());
  }
  static int ranks() { return detail::activeRanks()->size(); }

  ProcessPool pool_{ranks()};
};

TEST_F(ManyRanksTest, MapsOfRandomSizesAndTimesComeToAnEnd) {
  for (std::uint64_t operation = 0; operation < 40; ++operation) {
    SCOPED_TRACE("operation " + std::to_string(operation));
    const std::vector<std::string> texts = randomTexts(operation, itemCount(operation));
    const auto results = pool_.map(texts, [](const std::string& text) {
      dawdle(hashOf(text));
      return answerTo(text);
    });
    ASSERT_EQ(results.size(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ASSERT_TRUE(results[i] == answerTo(texts[i])) << "item " << i;
    }
  }
}

TEST_F(ManyRanksTest, SmallOperationsFollowEachOther) {
  for (int operation = 0; operation < 100; ++operation) {
    const std::vector<int> items = numbersUpTo(operation);
    ASSERT_EQ(pool_.map(items, [](int n) { return n; }), items);
  }
}

TEST_F(ManyRanksTest, ReductionsOfGrowingPartialsComeToAnEnd) {
  for (std::uint64_t operation = 50; operation < 60; ++operation) {
    std::vector<std::string> texts = randomTexts(operation, itemCount(operation));
    std::string expected = ">";
    for (std::string& text : texts) {
      text.resize(std::min<std::size_t>(text.size(), 64 << 10));
      expected += text;
    }
    const auto dawdling = [](const std::string& text) {
      dawdle(hashOf(text));
      return text;
    };
    ASSERT_TRUE(pool_.mapReduce(texts, dawdling, std::plus<>{}, std::string(">")) == expected);
  }
}

TEST_F(ManyRanksTest, FailuresInMidOperationEndItAndNotThePool) {
  for (std::uint64_t operation = 70; operation < 80; ++operation) {
    const std::vector<std::string> texts = randomTexts(operation, itemCount(operation) + 1);
    const std::string culprit = texts[mix(operation) % texts.size()];
    const auto failing = [](const std::string& bad, const std::string& text) {
      dawdle(hashOf(text));
      return text == bad ? throw std::runtime_error("no") : answerTo(text);
    };
    EXPECT_THROW(static_cast<void>(pool_.map(texts, bindFront(failing, culprit))), TaskError);
    const auto sizes = pool_.map(texts, [](const std::string& text) { return text.size(); });
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ASSERT_EQ(sizes[i], texts[i].size());
    }
  }
}

TEST_F(ManyRanksTest, PoolsComeAndGo) {
  for (int workers = 1; workers <= ranks(); workers = 3 * workers + 1) {
    ProcessPool first(workers);
    ProcessPool second(ranks() - workers + 1);
    EXPECT_EQ(first.filter(numbersUpTo(1000), [](int n) { return n % 100 == 0; }).size(), 10u);
    EXPECT_EQ(second.reduce(numbersUpTo(1000), std::plus<>{}, 0), 499'500);
  }
}

}  // namespace
}  // namespace procession::test
