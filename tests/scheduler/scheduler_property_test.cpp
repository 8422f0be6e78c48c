#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "scheduler/fake_runner.hpp"

namespace procession::test {
namespace {

using Random = std::mt19937_64;

std::uint64_t pick(Random& random, std::uint64_t low, std::uint64_t high) {
  return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
}

bool chance(Random& random, int percent) {
  return pick(random, 1, 100) <= static_cast<std::uint64_t>(percent);
}

/// A number of items that is often small, at times thousands.
std::uint64_t pickItems(Random& random) { return pick(random, 0, 1) << pick(random, 0, 11); }

std::function<Time(std::uint64_t)> pickCosts(Random& random) {
  const auto scale = static_cast<double>(std::uint64_t{1} << pick(random, 0, 23));  // ns
  const std::uint64_t seed = random();
  if (chance(random, 30)) {
    return [scale](std::uint64_t) { return Time(static_cast<std::int64_t>(scale)); };
  }
  return [scale, seed](std::uint64_t item) {
    Random ofItem(seed ^ (item * 0x9e3779b97f4a7c15u));
    const double uniform = std::uniform_real_distribution<>(1e-4, 1)(ofItem);
    return Time(static_cast<std::int64_t>(scale * std::pow(uniform, -0.8)));
  };
}

Plan pickPlan(std::uint64_t seed) {
  Random random(seed);
  Plan plan;
  plan.seed = seed;
  plan.items = pickItems(random) + pick(random, 0, 40);
  plan.workers = static_cast<int>(pick(random, 1, 9));
  plan.cost = pickCosts(random);
  SchedulerOptions& options = plan.options;
  options.wholeNodes = chance(random, 40);
  options.leafItems = chance(random, 50) ? 1 : pick(random, 1, 20);
  options.maxChunkItems = chance(random, 50) ? options.maxChunkItems : pick(random, 1, 100);
  options.chunksInFlight = static_cast<int>(pick(random, 1, 3));
  options.retries = static_cast<int>(pick(random, 0, 3));
  options.stopAtFailure = chance(random, 20);
  plan.refuseRecalls = chance(random, 30);
  options.splitsChunks = !options.wholeNodes && chance(random, 60);
  return plan;
}

void addTrouble(Plan& plan) {
  Random random(plan.seed + 1);
  const std::uint64_t most = std::min<std::uint64_t>(plan.items, pick(random, 0, 6));
  bool hangs = false;
  for (std::uint64_t i = 0; i < most; ++i) {
    const auto fault = static_cast<Fault>(pick(random, 0, 3));
    hangs = hangs || fault == Fault::Hangs;
    const int attempts = chance(random, 30) ? 1000 : static_cast<int>(pick(random, 1, 5));
    plan.trouble[pick(random, 0, plan.items - 1)] = {fault, attempts};
  }
  if (hangs || chance(random, 20)) {
    Time longest{0};
    for (std::uint64_t item = 0; item < plan.items; ++item) {
      longest = std::max(longest, plan.cost(item));
    }
    plan.options.timeout = 2 * longest + milliseconds(1);
  }
}

/// Of items that never work, each fails; of the others none, where nothing else happens to them.
void checkFailures(const Plan& plan, const FakeRunner& runner) {
  if (runner.scheduler().isCancelled() || !plan.killsFromOutside.empty() ||
      plan.options.leafItems > 1) {
    return;
  }
  for (const auto& [item, trouble] : plan.trouble) {
    // The deaths that lead to an item nobody saw are not its attempts.
    const bool mayFail = trouble.attempts > plan.options.retries;
    const bool mustFail = trouble.fault == Fault::DiesUnseen ? trouble.attempts == 1000 : mayFail;
    EXPECT_TRUE(mayFail || !runner.failures().contains(item)) << "item " << item;
    EXPECT_TRUE(!mustFail || runner.failures().contains(item)) << "item " << item;
  }
  for (const auto& [item, action] : runner.failures()) {
    ASSERT_TRUE(plan.trouble.contains(item)) << "item " << item << " did nothing wrong";
    const Fault fault = plan.trouble.at(item).fault;
    const FailureKind kind = fault == Fault::Throws  ? FailureKind::Threw
                             : fault == Fault::Hangs ? FailureKind::TimedOut
                                                     : FailureKind::WorkerLost;
    EXPECT_EQ(action.failure, kind);
  }
}

void runPlans(std::uint64_t firstSeed, std::uint64_t count, void (*change)(Plan&)) {
  for (std::uint64_t seed = firstSeed; seed < firstSeed + count; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Plan plan = pickPlan(seed);
    change(plan);
    FakeRunner runner(plan);
    runner.run();
    checkFailures(plan, runner);
    if (testing::Test::HasFailure()) {
      return;
    }
  }
}

TEST(SchedulerPropertyTest, EveryItemIsDoneOnce) {
  runPlans(1, 1500, [](Plan&) {});
}

TEST(SchedulerPropertyTest, ItemsThatFailNameThemselvesAndSpareTheOthers) {
  runPlans(10'001, 1500, addTrouble);
}

TEST(SchedulerPropertyTest, WorkersKilledFromOutsideLoseNothing) {
  runPlans(20'001, 1000, [](Plan& plan) {
    addTrouble(plan);
    Random random(plan.seed + 2);
    plan.options.retries += 2;
    for (std::uint64_t kill = pick(random, 1, 10); kill > 0; --kill) {
      plan.killsFromOutside.emplace_back(pick(random, 0, 20'000'000));
    }
  });
}

TEST(SchedulerPropertyTest, CancellingAtAnyTimeEndsWithWhatIsInFlight) {
  runPlans(30'001, 1000, [](Plan& plan) {
    addTrouble(plan);
    Random random(plan.seed + 3);
    plan.cancelAt = Time(pick(random, 0, 5'000'000));
  });
}

TEST(SchedulerPropertyTest, TheSameEventsGiveTheSameActions) {
  for (std::uint64_t seed = 40'001; seed < 40'101; ++seed) {
    Plan plan = pickPlan(seed);
    addTrouble(plan);
    FakeRunner one(plan);
    FakeRunner other(plan);
    one.run();
    other.run();
    ASSERT_EQ(one.actions().size(), other.actions().size());
    for (std::size_t i = 0; i < one.actions().size(); ++i) {
      EXPECT_EQ(one.actions()[i].type, other.actions()[i].type);
      EXPECT_EQ(one.actions()[i].worker, other.actions()[i].worker);
      EXPECT_EQ(one.actions()[i].chunk, other.actions()[i].chunk);
      EXPECT_EQ(one.actions()[i].item, other.actions()[i].item);
    }
    EXPECT_EQ(one.makespan(), other.makespan());
  }
}

}  // namespace
}  // namespace procession::test
