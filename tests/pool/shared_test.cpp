#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/fork_process.hpp"
#include "procession/node_shared.hpp"
#include "procession/process_manager.hpp"
#include "procession/process_pool.hpp"

// What workers read of values of nodeShared(). How they have it is shared_memory_test.cpp's.

namespace procession::test {
namespace {

using testing::HasSubstr;

struct Setting {
  double factor = 0;
  std::array<int, 3> offsets{};
};

// Made before Application::run, on each rank of a job.
const NodeShared<int> globalValue = nodeShared(4711);  // NOLINT(cert-err58-cpp)

const std::vector<int> kItems = numbersUpTo(1000);

std::vector<double> squares(std::size_t count) {
  std::vector<double> table(count);
  for (std::size_t i = 0; i < count; ++i) {
    table[i] = static_cast<double>(i * i);
  }
  return table;
}

double at(NodeSharedView<std::vector<double>> view, int item) {
  return (*view)[static_cast<std::size_t>(item)];
}

TEST(PoolSharedTest, WorkersReadAVector) {
  ProcessPool pool(3);
  const auto table = nodeShared(squares(1000));
  const auto read = [view = table.view()](int item) { return at(view, item); };
  EXPECT_EQ(pool.map(kItems, read), squares(1000));
}

TEST(PoolSharedTest, TheProgramReadsItToo) {
  const std::vector<double> given = squares(1000);
  const auto table = nodeShared(given);
  EXPECT_TRUE(std::ranges::equal(*table, given));
  EXPECT_TRUE(std::ranges::equal(*table.view(), given));
  EXPECT_EQ(table->size(), 1000u);
  EXPECT_EQ(table.view()->back(), given.back());
}

TEST(PoolSharedTest, WorkersReadAPlainValue) {
  ProcessPool pool(2);
  const auto setting = nodeShared(Setting{.factor = 2.5, .offsets = {1, 2, 3}});
  const auto apply = [view = setting.view()](int item) {
    return view->factor * item + (*view).offsets[static_cast<std::size_t>(item % 3)];
  };
  EXPECT_EQ(pool.map(std::vector{0, 1, 2}, apply), (std::vector{1.0, 4.5, 8.0}));
}

TEST(PoolSharedTest, WorkersReadTextAndWhatAViewShows) {
  ProcessPool pool(2);
  const std::string text = "once upon a time";
  const auto story = nodeShared(text);
  const NodeShared<std::string> part = nodeShared(std::string_view(text).substr(5, 4));
  const std::vector<int> numbers{1, 2, 3, 4};
  const NodeShared<std::vector<int>> middle = nodeShared(std::span(numbers).subspan(1, 2));
  const auto read = [story = story.view(), part = part.view(), middle = middle.view()](int) {
    return std::string(*story) + "," + std::string(*part) + "," + std::to_string(middle->size()) +
           "," + std::to_string((*middle)[0]);
  };
  EXPECT_EQ(pool.map(std::vector{0}, read), std::vector<std::string>{"once upon a time,upon,2,2"});
}

TEST(PoolSharedTest, NothingIsAValueToo) {
  ProcessPool pool(2);
  const auto none = nodeShared(std::vector<int>());
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(pool.map(std::vector{0}, [view = none.view()](int) { return view->size(); }),
            std::vector<std::size_t>{0});
}

TEST(PoolSharedTest, ATableIsFilledInPlace) {
  ProcessPool pool(2);
  const auto table = nodeShared<int>(1000, [](std::span<int> values) {
    EXPECT_EQ(values.size(), 1000u);
    EXPECT_EQ(std::ranges::count(values, 0), 1000);
    std::iota(values.begin(), values.end(), 0);
  });
  const auto read = [view = table.view()](int i) { return (*view)[static_cast<std::size_t>(i)]; };
  EXPECT_EQ(pool.map(kItems, read), kItems);
}

TEST(PoolSharedTest, WhatFillThrowsComesOutAndNothingStays) {
  const auto fail = [](std::span<int>) { throw std::runtime_error("no data"); };
  EXPECT_THROW(static_cast<void>(nodeShared<int>(1000, fail)), std::runtime_error);
}

TEST(PoolSharedTest, AnLvalueKeepsItsDataAndAMovedOneGivesItUp) {
  std::vector<int> kept{1, 2, 3};
  std::vector<int> moved{1, 2, 3};
  const auto one = nodeShared(kept);
  const auto two = nodeShared(std::move(moved));
  EXPECT_EQ(kept.size(), 3u);
  EXPECT_EQ(moved.capacity(), 0u);  // NOLINT: that is the point
  EXPECT_TRUE(std::ranges::equal(*one, *two));
}

TEST(PoolSharedTest, WorkersGetWhatIsMadeBetweenOperations) {
  ProcessPool pool(2);
  for (int round = 0; round < 5; ++round) {
    const auto table = nodeShared(std::vector<int>(100, round));
    const auto read = [view = table.view()](int i) { return (*view)[static_cast<std::size_t>(i)]; };
    EXPECT_EQ(pool.map(numbersUpTo(100), read), std::vector<int>(100, round));
  }
}

TEST(PoolSharedTest, ThereMayBeManyValuesAtOnce) {
  ProcessPool pool(2);
  std::vector<NodeShared<int>> values;
  std::vector<NodeSharedView<int>> views;  // views are values: here they are the items
  for (int n = 0; n < 100; ++n) {
    values.push_back(nodeShared(n));
    views.push_back(values.back().view());
  }
  EXPECT_EQ(pool.map(views, [](NodeSharedView<int> view) { return *view; }), numbersUpTo(100));
  values.erase(values.begin(), values.begin() + 50);
  views.erase(views.begin(), views.begin() + 50);
  EXPECT_EQ(pool.map(views, [](NodeSharedView<int> view) { return *view; }).front(), 50);
}

TEST(PoolSharedTest, ViewsAreBoundToFunctions) {
  ProcessPool pool(2);
  const auto table = nodeShared(squares(1000));
  EXPECT_EQ(pool.map(kItems, bindFront(at, table.view())), squares(1000));
}

TEST(PoolSharedTest, TwoPoolsReadTheSameValue) {
  ProcessPool one(2);
  ProcessPool two(2);
  const auto table = nodeShared(squares(1000));
  const auto read = [view = table.view()](int item) { return at(view, item); };
  EXPECT_EQ(one.map(kItems, read), squares(1000));
  EXPECT_EQ(two.map(kItems, read), squares(1000));
}

TEST(PoolSharedTest, AValueIsReadByReductionsAndFilters) {
  ProcessPool pool(3);
  const auto table = nodeShared(squares(1000));
  const auto read = [view = table.view()](int item) { return at(view, item); };
  const auto isSmall = [view = table.view()](int item) { return at(view, item) < 100; };
  EXPECT_EQ(pool.mapReduce(kItems, read, std::plus<>(), 0.0), 332833500.0);
  EXPECT_EQ(pool.filter(kItems, isSmall), numbersUpTo(10));
}

TEST(PoolSharedTest, WorkersReadAGlobalValue) {
  ProcessPool pool(3);
  const auto read = [](int) { return *globalValue; };
  EXPECT_EQ(pool.map(numbersUpTo(10), read), std::vector<int>(10, 4711));
}

TEST(PoolSharedTest, NestedUseInAWorkerReadsItAndMakesItsOwn) {
  ProcessPool pool(2);
  const auto table = nodeShared(squares(10));
  const auto nest = [view = table.view()](int item) {
    const auto own = nodeShared(std::vector<double>(10, item));
    ProcessPool inner(2);
    return inner.mapReduce(
        numbersUpTo(10), [view, other = own.view()](int i) { return at(view, i) + at(other, i); },
        std::plus<>(), 0.0);
  };
  EXPECT_EQ(pool.map(std::vector{0, 1}, nest), (std::vector{285.0, 295.0}));
}

TEST(PoolSharedTest, AViewIsNoUseAfterItsOwnersEnd) {
  ProcessPool pool(2);
  std::optional table(nodeShared(squares(1000)));
  const auto view = table->view();
  const auto read = [view](int item) { return at(view, item); };
  EXPECT_EQ(pool.map(kItems, read), squares(1000));
  table.reset();
  EXPECT_THAT(thrownBy<std::logic_error>([&] { static_cast<void>(*view); }).what(),
              HasSubstr("not there any more"));
  const auto error = thrownBy<TaskError>([&] { static_cast<void>(pool.map(kItems, read)); });
  EXPECT_EQ(error.getType(), "std::logic_error");
  EXPECT_THAT(error.getMessage(), HasSubstr("NodeShared"));
  table =
      nodeShared(std::vector<double>(1000, 1.0));  // another value, which the old view is not of
  EXPECT_THROW(static_cast<void>(*view), std::logic_error);
  EXPECT_THROW(static_cast<void>(pool.map(kItems, read)), TaskError);
}

TEST(PoolSharedTest, AViewOfNothingSaysSo) {
  EXPECT_THROW(static_cast<void>(*NodeSharedView<int>()), std::logic_error);
}

TEST(PoolSharedTest, MovesWithItsValue) {
  ProcessPool pool(2);
  auto first = nodeShared(1);
  const auto view = first.view();
  auto second = std::move(first);
  EXPECT_THROW(static_cast<void>(first.view()), std::logic_error);  // NOLINT: that is the point
  EXPECT_EQ(pool.map(std::vector{0}, [view](int) { return *view; }), std::vector{1});
  first = nodeShared(2);
  second = std::move(first);
  EXPECT_EQ(*second, 2);
}

TEST(PoolSharedTest, MoreThanThereIsIsRefusedWithTheSize) {
  const auto nothing = [](std::span<char>) {};
  EXPECT_THAT(thrownBy<SystemError>([&] {
                static_cast<void>(nodeShared<char>(std::size_t{1} << 50, nothing));
              }).what(),
              testing::AllOf(HasSubstr("1125899906842624 bytes"), HasSubstr("ulimit -v"),
                             HasSubstr("Cannot allocate memory")));
  EXPECT_THROW(static_cast<void>(nodeShared<double>(std::numeric_limits<std::size_t>::max() / 2,
                                                    [](std::span<double>) {})),
               SystemError);
}

TEST(PoolSharedTest, TasksReadIt) {
  const auto table = nodeShared(squares(10));
  const auto sum = [view = table.view()] {
    return std::accumulate(view->begin(), view->end(), 0.0);
  };
  ForkProcess process(sum);
  process.start();
  EXPECT_EQ(process.wait(), 0);
  EXPECT_EQ(process.getOutput(), 285.0);
  ProcessManager manager;
  manager.add(sum);
  manager.add(sum);
  EXPECT_EQ(manager.run<double>(), (std::vector{285.0, 285.0}));
}

}  // namespace
}  // namespace procession::test
