#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"

// Every kind of callback, and what happens to those that cannot be sent.

namespace procession::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

int triple(int number) { return 3 * number; }

struct Scaler {
  std::vector<int> factors;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& factors;
  }
  int operator()(int item) const { return item * factors.at(0); }
};

class PoolCallbackTest : public testing::Test {
 protected:
  const std::vector<int> items_{1, 2, 3};
  const std::vector<int> tripled_{3, 6, 9};
  ProcessPool pool_{2};
};

TEST_F(PoolCallbackTest, MayBeAFunctionAClosureABoundFunctionOrAnObjectThatSavesItself) {
  const int factor = 3;
  EXPECT_EQ(pool_.map(items_, &triple), tripled_);
  EXPECT_EQ(pool_.map(items_, triple), tripled_);
  EXPECT_EQ(pool_.map(items_, [](int n) { return 3 * n; }), tripled_);
  EXPECT_EQ(pool_.map(items_, [factor](int n) { return factor * n; }), tripled_);
  EXPECT_EQ(pool_.map(items_, bindFront(std::multiplies<>{}, 3)), tripled_);
  EXPECT_EQ(pool_.map(items_, Scaler{{3}}), tripled_);
  EXPECT_EQ(pool_.map(items_, asBytes([factor](int n) { return factor * n; })), tripled_);
}

TEST_F(PoolCallbackTest, BoundContainersTravelWithTheCallback) {
  const auto lookUp = [](const std::map<int, std::string>& names, int n) { return names.at(n); };
  const std::map<int, std::string> names{{1, "one"}, {2, "two"}, {3, "three"}};
  EXPECT_EQ(pool_.map(items_, bindFront(lookUp, names)),
            (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(PoolCallbackTest, MayTakeItemsByValueByReferenceAndToChangeThem) {
  const std::vector<std::string> texts{"a", "b"};
  const std::vector<std::string> expected{"a!", "b!"};
  EXPECT_EQ(pool_.map(texts, [](std::string text) { return text + "!"; }), expected);
  EXPECT_EQ(pool_.map(texts, [](const std::string& text) { return text + "!"; }), expected);
  EXPECT_EQ(pool_.map(texts, [](std::string& text) { return text += "!"; }), expected);
  EXPECT_EQ(pool_.map(texts, [](std::string&& text) { return std::move(text) + "!"; }), expected);
  EXPECT_EQ(pool_.map(items_, [](int& n) { return n *= 3; }), tripled_);
  EXPECT_EQ(items_, (std::vector{1, 2, 3}));
  EXPECT_EQ(pool_.filter(items_, [](int& n) { return ++n == 3; }), std::vector{2})
      << "the item, not the changed copy";
}

TEST_F(PoolCallbackTest, MayReturnReferencesWhoseValuesTravel) {
  const std::vector<std::string> texts{"a", "b"};
  EXPECT_EQ(pool_.map(texts, [](const std::string& text) -> const std::string& { return text; }),
            texts);
}

TEST_F(PoolCallbackTest, MayKeepAStateOfItsOwnInEachWorker) {
  ProcessPool one(1);
  const auto counts = one.map(numbersUpTo(100), [count = 0](int) mutable { return ++count; });
  EXPECT_EQ(counts.back(), 100);
  EXPECT_EQ(one.map(items_, [count = 0](int) mutable { return ++count; }).front(), 1)
      << "a new one each time";
}

// DESIGN section 4: what it refers to is in no other process.
TEST_F(PoolCallbackTest, ThatCapturesAnAddressIsRefusedBeforeAnythingRuns) {
  int local = 3;
  const auto callback = [pointer = &local](int n) { return *pointer * n; };
  const auto error =
      thrownBy<PortabilityError>([&] { static_cast<void>(pool_.map(items_, callback)); });
  EXPECT_THAT(error.what(), AllOf(HasSubstr("captures an address"), HasSubstr("localOnly")));
  EXPECT_EQ(pool_.getProcessedCount(), 0u);
  EXPECT_EQ(pool_.map(items_, &triple), tripled_);
}

struct TimesPointed {
  const int* factor;
  int operator()(int n) const { return *factor * n; }
};

TEST_F(PoolCallbackTest, OfALazyRangeIsHeldToTheSameRule) {
  const int factor = 3;
  const auto lazy = std::views::iota(1, 4) | std::views::transform(TimesPointed{&factor});
  EXPECT_THROW(static_cast<void>(pool_.map(lazy, std::identity{})), PortabilityError);
  // A closure with captures cannot be assigned, so its view is not plain bytes: the parent computes
  // the items.
  const auto computed =
      std::views::iota(1, 4) | std::views::transform([&factor](int n) { return factor * n; });
  EXPECT_EQ(pool_.map(computed, std::identity{}), tripled_);
}

TEST_F(PoolCallbackTest, LocalOnlyOnesReferToTheParentsMemoryAsItIsAtTheCall) {
  std::string text = "before";
  const auto read = [&text](int n) { return text + std::to_string(n); };
  EXPECT_EQ(pool_.map(std::vector{1}, localOnly(read)), std::vector<std::string>{"before1"});
  text = "after";
  EXPECT_EQ(pool_.map(std::vector{1}, localOnly(read)), std::vector<std::string>{"after1"});
}

TEST_F(PoolCallbackTest, LocalOnlyOnesMayOwnWhatCannotBeCopied) {
  auto owner = std::make_unique<int>(3);
  EXPECT_EQ(pool_.map(items_, localOnly([owner = std::move(owner)](int n) { return *owner * n; })),
            tripled_);
}

TEST_F(PoolCallbackTest, LocalOnlyWorksForEveryOperation) {
  const std::string tag = "t";
  const auto add =
      localOnly([&](const std::string& a, const std::string& b) { return a + tag + b; });
  const auto toText = localOnly([&](int n) { return tag + std::to_string(n); });
  const std::vector<std::string> texts{"a", "b"};
  EXPECT_EQ(pool_.reduce(texts, add, std::string("I")), "Itatb");
  EXPECT_EQ(pool_.mapReduce(items_, toText, std::plus<>{}, std::string()), "t1t2t3");
  EXPECT_EQ(pool_.filter(texts, localOnly([&](const std::string& s) { return s != tag; })), texts);
  const std::vector<std::tuple<int, std::string>> tuples{{1, "x"}};
  EXPECT_EQ(pool_.starmap(tuples, localOnly([&](int n, const std::string& s) {
                            return tag + s + std::to_string(n);
                          })),
            std::vector<std::string>{"tx1"});
  const auto fold =
      localOnly([&](std::string all, int n) { return all + tag + std::to_string(n); });
  EXPECT_EQ(pool_.aggregate(items_, std::string(), fold, std::plus<>{}), "t1t2t3");
}

// Nested use.

TEST_F(PoolCallbackTest, MayUseAPoolOfItsOwnWhichWorksInThatWorker) {
  const auto nested = [](int n) {
    ProcessPool inner(4);
    const auto pids = inner.map(numbersUpTo(n), [](int) { return getpid(); });
    const auto others = std::ranges::count_if(pids, [](pid_t pid) { return pid != getpid(); });
    return std::pair(inner.reduce(numbersUpTo(n), std::plus<>{}, 0), static_cast<int>(others));
  };
  const std::vector<std::pair<int, int>> expected{{0, 0}, {4950, 0}};
  EXPECT_EQ(pool_.map(std::vector{1, 100}, nested), expected);
}

struct NestedDoubler : WorkerInterface<int, int> {
  int process(const int& job) override { return 2 * job; }
};

TEST_F(PoolCallbackTest, MayUseEveryOperationOfAPoolOfItsOwn) {
  const auto nested = [](int n) {
    ProcessPool inner(2);
    const std::vector<int> items = numbersUpTo(n);  // 0 to n - 1
    const auto twice = [](int item) { return 2 * item; };
    const auto add = [](int a, int b) { return a + b; };
    const auto sumOf = [](const std::vector<int>& values) {
      return std::accumulate(values.begin(), values.end(), 0);
    };
    std::vector<int> sums;
    sums.push_back(sumOf(inner.map(items, twice)));
    sums.push_back(2 * sumOf(inner.filter(items, [](int) { return true; })));
    sums.push_back(2 * inner.reduce(items, add, 0));
    sums.push_back(inner.mapReduce(items, twice, add, 0));
    sums.push_back(2 * inner.aggregate(items, 0, add, add));
    sums.push_back(sumOf(inner.starmap(std::vector{std::pair(n * n, -n)}, add)));
    sums.push_back(sumOf(inner.process(items, NestedDoubler())));
    int settled = 0;
    for (const Outcome<int>& outcome : inner.mapSettled(items, twice)) {
      settled += outcome.value();
    }
    sums.push_back(settled);
    int streamed = 0;
    for (const auto& [index, value] : inner.mapUnordered(items, twice)) {
      streamed += value;
    }
    sums.push_back(streamed);
    std::vector<Future<int>> futures;
    for (const int item : items) {
      futures.push_back(inner.submit(twice, item));
    }
    int submitted = 0;
    for (const Future<int>& future : asCompleted(futures)) {
      submitted += future.get();
    }
    sums.push_back(submitted);
    inner.each(items, localOnly([&](int item) { sums.push_back(item); }));
    return sums;
  };
  std::vector<int> expected(10, 20);
  expected.insert(expected.end(), {0, 1, 2, 3, 4});
  EXPECT_EQ(pool_.map(std::vector{5, 5}, nested), std::vector(2, expected));
}

TEST_F(PoolCallbackTest, MayUseThePoolThatItInherited) {
  if (pool_.getWorkerCount() == 1) {
    return;  // serial: the callback runs inside of the operation, where the pool is busy
  }
  const auto nested =
      localOnly([this](int n) { return pool_.reduce(numbersUpTo(n), std::plus<>{}, 0); });
  EXPECT_EQ(pool_.map(std::vector{10, 100}, nested), (std::vector{45, 4950}));
}

}  // namespace
}  // namespace procession::test
