#include "procession/container.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace procession {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct Engine {
  explicit Engine(int given) : power(given) {}
  virtual ~Engine() = default;
  int power;
};
struct Turbine : Engine {
  using Engine::Engine;
};

template <class Exception, class Call>
std::string messageOf(Call call) {
  try {
    call();
  } catch (const Exception& exception) {
    return exception.what();
  }
  return "nothing was thrown";
}

TEST(ContainerTest, ABoundFactoryIsCalledForEveryMake) {
  Container container;
  int made = 0;
  container.bind("number", [&made] { return ++made; });
  EXPECT_EQ(made, 0);
  EXPECT_EQ(container.make<int>("number"), 1);
  EXPECT_EQ(container.make<int>("number"), 2);
}

TEST(ContainerTest, ASingletonIsMadeOnceAtFirstUse) {
  Container container;
  int made = 0;
  container.singleton("engine", [&made] { return Engine(++made); });
  EXPECT_EQ(made, 0);
  const auto first = container.make<std::shared_ptr<Engine>>("engine");
  const auto second = container.make<std::shared_ptr<Engine>>("engine");
  EXPECT_EQ(first, second);
  EXPECT_EQ(made, 1);
}

TEST(ContainerTest, ASingletonMayBeSharedByItsFactory) {
  Container container;
  container.singleton("engine",
                      []() -> std::shared_ptr<Engine> { return std::make_shared<Turbine>(7); });
  const auto engine = container.make<std::shared_ptr<Engine>>("engine");
  EXPECT_EQ(engine->power, 7);
  EXPECT_NE(std::dynamic_pointer_cast<Turbine>(engine), nullptr);
}

TEST(ContainerTest, ServicesAndFactoriesMayBeMoveOnly) {
  Container container;
  container.bind("owner", [key = std::make_unique<int>(5)] { return std::make_unique<int>(*key); });
  EXPECT_EQ(*container.make<std::unique_ptr<int>>("owner"), 5);
  container.singleton("only", [] { return std::make_unique<int>(6); });
  EXPECT_EQ(**container.make<std::shared_ptr<std::unique_ptr<int>>>("only"), 6);
}

TEST(ContainerTest, FactoriesMayAskForOtherServices) {
  Container container;
  container.bind("power", [] { return 3; });
  container.bind("engine", [](Container& all) { return Engine(all.make<int>("power")); });
  EXPECT_EQ(container.make<Engine>("engine").power, 3);
}

TEST(ContainerTest, BindingANameAgainReplacesIt) {
  Container container;
  container.bind("x", [] { return 1; });
  container.bind("x", [] { return std::string("one"); });
  EXPECT_EQ(container.make<std::string>("x"), "one");
  EXPECT_THAT(container.getNames(), ElementsAre("x"));
}

TEST(ContainerTest, AFactoryMayReplaceItself) {
  Container container;
  container.bind("x", [](Container& all) {
    all.bind("x", [] { return 2; });
    return 1;
  });
  EXPECT_EQ(container.make<int>("x"), 1);
  EXPECT_EQ(container.make<int>("x"), 2);
}

TEST(ContainerTest, ItTellsWhatItHas) {
  Container container;
  EXPECT_FALSE(container.has("b"));
  container.bind("b", [] { return 1; });
  container.singleton("a", [] { return 1.5; });
  EXPECT_TRUE(container.has("b"));
  EXPECT_FALSE(container.has("c"));
  EXPECT_THAT(container.getNames(), ElementsAre("a", "b"));
}

TEST(ContainerTest, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  Container container;
  EXPECT_THAT(messageOf<std::out_of_range>([&] { (void)container.make<int>("x"); }),
              AllOf(HasSubstr("'x'"), HasSubstr("empty")));
  container.bind("speed", [] { return 1; });
  EXPECT_THAT(messageOf<std::out_of_range>([&] { (void)container.make<int>("sped"); }),
              AllOf(HasSubstr("'sped'"), HasSubstr("speed (int)")));
}

TEST(ContainerTest, AWrongTypeIsAnsweredWithTheRightOne) {
  Container container;
  container.bind("speed", [] { return 1; });
  container.singleton("engine", [] { return Engine(1); });
  EXPECT_THAT(
      messageOf<std::invalid_argument>([&] { (void)container.make<long>("speed"); }),
      AllOf(HasSubstr("'speed' is of type int, not long"), HasSubstr("engine (std::shared_ptr")));
  EXPECT_THAT(messageOf<std::invalid_argument>([&] { (void)container.make<Engine>("engine"); }),
              HasSubstr("shared_ptr"));
}

TEST(ContainerTest, ServicesThatNeedEachOtherAreNamed) {
  Container container;
  container.bind("a", [](Container& all) { return all.make<int>("b"); });
  container.bind("b", [](Container& all) { return all.make<int>("a"); });
  EXPECT_THAT(messageOf<std::logic_error>([&] { (void)container.make<int>("a"); }),
              HasSubstr("'a' needs 'b' needs 'a'"));
  container.bind("b", [] { return 4; });
  EXPECT_EQ(container.make<int>("a"), 4) << "usable afterwards";
}

TEST(ContainerTest, WhatAFactoryThrowsComesThroughAndTheNextCallMayWork) {
  Container container;
  int calls = 0;
  container.singleton("moody", [&calls] {
    if (++calls == 1) {
      throw std::runtime_error("not today");
    }
    return calls;
  });
  EXPECT_EQ(
      messageOf<std::runtime_error>([&] { (void)container.make<std::shared_ptr<int>>("moody"); }),
      "not today");
  EXPECT_EQ(*container.make<std::shared_ptr<int>>("moody"), 2);
}

TEST(ContainerTest, AnEmptyNameIsRefused) {
  Container container;
  EXPECT_THROW(container.bind("", [] { return 1; }), std::invalid_argument);
}

TEST(ServiceProviderTest, RegistersItsServices) {
  struct Numbers : ServiceProvider {
    void registerServices(Container& container) override {
      container.bind("one", [] { return 1; });
      container.bind("two", [] { return 2; });
    }
  };
  Container container;
  Numbers().registerServices(container);
  EXPECT_EQ(container.make<int>("two"), 2);
}

}  // namespace
}  // namespace procession
