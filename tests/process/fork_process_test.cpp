#include "procession/fork_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <complex>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "process/fork_observer.hpp"
#include "procession/error.hpp"
#include "support/crash.hpp"
#include "support/process_stat.hpp"
#include "system/file_descriptor.hpp"

namespace procession {
namespace {

using detail::makePipe;
using detail::Pipe;
using testing::HasSubstr;

/// What the callback's result comes back as.
template <class Callback, class... Arguments>
auto outputOf(Callback callback, Arguments&&... arguments) {
  ForkProcess child(std::move(callback), std::forward<Arguments>(arguments)...);
  child.start();
  EXPECT_EQ(child.wait(), 0);
  return child.getOutput();
}

/// The error that getOutput() throws.
template <class Failure, class Result>
Failure failureOf(const ForkProcess<Result>& child) {
  try {
    child.getOutput();
  } catch (const Failure& failure) {
    return failure;
  }
  throw std::logic_error("getOutput() did not throw");
}

TEST(ForkProcessTest, RunsTheCallbackInAnotherProcess) {
  ForkProcess child([] { return static_cast<int>(getpid()); });
  child.start();
  EXPECT_EQ(child.wait(), 0);
  EXPECT_NE(child.getOutput(), getpid());
  EXPECT_EQ(child.getOutput(), child.getPid());
}

TEST(ForkProcessTest, DeducesTheResultFromTheCall) {
  ForkProcess number([](int a, double b) { return a * b; }, 3, 1.5);
  static_assert(std::is_same_v<decltype(number), ForkProcess<double>>);
  ForkProcess nothing([](const std::string&) {}, "text");
  static_assert(std::is_same_v<decltype(nothing), ForkProcess<void>>);
  const std::string kept = "kept";
  ForkProcess copy([&kept]() -> const std::string& { return kept; });
  static_assert(std::is_same_v<decltype(copy), ForkProcess<std::string>>);
  number.start();
  number.wait();
  EXPECT_EQ(number.getOutput(), 4.5);
  copy.start();
  copy.wait();
  EXPECT_EQ(copy.getOutput(), "kept");
}

TEST(ForkProcessTest, TheResultMayBeNamedAsAnotherType) {
  ForkProcess<double> converted([] { return 3; });
  converted.start();
  converted.wait();
  EXPECT_EQ(converted.getOutput(), 3.0);
  ForkProcess<void> dropped([] { return std::vector(1000, 1); });
  dropped.start();
  EXPECT_EQ(dropped.wait(), 0);
  EXPECT_NO_THROW(dropped.getOutput());
}

int twice(int value) { return 2 * value; }

struct Counter {
  int total = 0;
  int add(int value) { return total += value; }
};

TEST(ForkProcessTest, TakesAnyCallable) {
  EXPECT_EQ(outputOf(twice, 21), 42);
  EXPECT_EQ(outputOf(&twice, 21), 42);
  EXPECT_EQ(outputOf(&Counter::add, Counter{40}, 2), 42);
  std::string captured = "captured";
  EXPECT_EQ(outputOf([captured] { return captured.size(); }), 8U);
  EXPECT_EQ(outputOf([&captured] { return captured; }), "captured");  // the child has a copy of it
  EXPECT_EQ(outputOf([calls = 0]() mutable { return ++calls; }), 1);
}

TEST(ForkProcessTest, TakesMoveOnlyCallablesAndArguments) {
  auto owned = std::make_unique<int>(40);
  EXPECT_EQ(
      outputOf([owned = std::move(owned)](std::unique_ptr<int> other) { return *owned + *other; },
               std::make_unique<int>(2)),
      42);
}

TEST(ForkProcessTest, BringsBackWhatBoostCanCarry) {
  const std::map<std::string, std::vector<int>> map = {{"a", {1, 2}}, {"b", {}}};
  EXPECT_EQ(outputOf([map] { return map; }), map);
  EXPECT_EQ(outputOf([] { return std::tuple(1, std::string("two"), 3.0); }),
            std::tuple(1, "two", 3.0));
  EXPECT_EQ(outputOf([] { return std::variant<int, std::string>("text"); }),
            (std::variant<int, std::string>("text")));
  EXPECT_EQ(outputOf([] { return std::optional<std::string>(); }), std::nullopt);
  EXPECT_EQ(outputOf([] { return std::complex(1.0, -1.0); }), std::complex(1.0, -1.0));
  EXPECT_EQ(*outputOf([] { return std::make_unique<std::vector<int>>(3, 7); }), std::vector(3, 7));
  EXPECT_EQ(outputOf([] {
              return std::vector{true, false, true};
            }),
            (std::vector{true, false, true}));
  EXPECT_FALSE(outputOf([] { return false; }));
}

class ResultOfSize : public testing::TestWithParam<std::size_t> {};

TEST_P(ResultOfSize, ComesBackWhole) {
  const std::size_t size = GetParam();
  const std::string text = outputOf([size] {
    std::string result(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
      result[i] = static_cast<char>(i * 31 + i / 251);
    }
    return result;
  });
  ASSERT_EQ(text.size(), size);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < size; ++i) {
    wrong += text[i] != static_cast<char>(i * 31 + i / 251) ? 1 : 0;
  }
  EXPECT_EQ(wrong, 0U);
}

// Around the buffers of pipes and sockets, and of the receiver.
INSTANTIATE_TEST_SUITE_P(ForkProcessTest, ResultOfSize,
                         testing::Values(0, 1, 4095, 8152, 8160, 8161, 65535, 65536, 65537, 200001,
                                         1 << 20, 10000000));

TEST(ForkProcessLargeTest, AResultOf300MebibytesComesBackWhole) {
  constexpr std::size_t kCount = std::size_t{300} << 17;
  const auto numbers = outputOf([] {
    std::vector<std::uint64_t> result(kCount);
    std::iota(result.begin(), result.end(), 7);
    return result;
  });
  ASSERT_EQ(numbers.size(), kCount);
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < kCount; ++i) {
    wrong += numbers[i] != i + 7 ? 1 : 0;
  }
  EXPECT_EQ(wrong, 0U);
}

// The original waited before it read: the child could not get rid of a result above some 200 kB,
// and both hung.
TEST(ForkProcessTest, AResultAbove200KilobytesDoesNotHang) {
  EXPECT_EQ(outputOf([] { return std::string(300000, 'x'); }), std::string(300000, 'x'));
}

TEST(ForkProcessTest, WhoOnlyAsksIsRunningGetsALargeResultToo) {
  ForkProcess child([] { return std::vector<char>(10000000, 'x'); });
  child.start();
  while (child.isRunning()) {
    std::this_thread::yield();
  }
  EXPECT_EQ(child.getExitCode(), 0);
  EXPECT_EQ(child.getOutput().size(), 10000000U);
}

TEST(ForkProcessTest, BeforeStartThereIsNothing) {
  ForkProcess child([] { return 1; });
  EXPECT_FALSE(child.isRunning());
  EXPECT_EQ(child.getPid(), std::nullopt);
  EXPECT_EQ(child.getExitCode(), std::nullopt);
  EXPECT_EQ(child.getStatus(), ProcessStatus());
  EXPECT_FALSE(child.kill());
  EXPECT_THROW(child.wait(), std::logic_error);
  EXPECT_THROW(child.getOutput(), std::logic_error);
}

TEST(ForkProcessTest, WhileItRunsThereIsNoOutput) {
  Pipe gate = makePipe();
  ForkProcess child([&gate] { return test::waitForByte(gate); });
  child.start();
  EXPECT_TRUE(child.isRunning());
  EXPECT_GT(child.getPid().value(), 0);
  EXPECT_EQ(child.getExitCode(), std::nullopt);
  EXPECT_EQ(child.getStatus(), ProcessStatus::running());
  EXPECT_THROW(child.getOutput(), std::logic_error);
  EXPECT_THROW(child.start(), std::logic_error);
  test::sendByte(gate, 'a');
  EXPECT_EQ(child.wait(), 0);
  EXPECT_FALSE(child.isRunning());
  EXPECT_EQ(child.getOutput(), 'a');
  EXPECT_EQ(child.wait(), 0);
  EXPECT_THROW(child.start(), std::logic_error);
  EXPECT_FALSE(child.kill());
}

TEST(ForkProcessTest, SeveralRunAtATime) {
  Pipe gate = makePipe();
  std::vector<ForkProcess<int>> children;
  for (int i = 0; i < 8; ++i) {
    children.emplace_back([&gate, i] { return test::waitForByte(gate) - 'a' + i; });
    children.back().start();
  }
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(children[static_cast<std::size_t>(i)].isRunning());
  }
  for (int i = 0; i < 8; ++i) {
    test::sendByte(gate, 'a');
  }
  for (int i = 7; i >= 0; --i) {
    ForkProcess<int>& child = children[static_cast<std::size_t>(i)];
    EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(child.getOutput(), i);
  }
}

TEST(ForkProcessTest, WhatTheChildWritesToMemoryStaysThere) {
  int value = 1;
  EXPECT_EQ(outputOf([&value] { return value = 2; }), 2);
  EXPECT_EQ(value, 1);
}

// Errors.

class Unreadable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

TEST(ForkProcessTest, AnExceptionComesBackWithItsTypeAndMessage) {
  ForkProcess child([]() -> int { throw Unreadable("no such grid"); });
  child.start();
  EXPECT_EQ(child.wait(), 1);
  EXPECT_EQ(child.getExitCode(), 1);
  const auto error = failureOf<TaskError>(child);
  EXPECT_THAT(error.getType(), HasSubstr("Unreadable"));
  EXPECT_EQ(error.getMessage(), "no such grid");
  EXPECT_EQ(error.getPid(), child.getPid());
  EXPECT_FALSE(error.getHost().empty());
  EXPECT_EQ(error.getItem(), std::nullopt);
  EXPECT_THROW(child.getOutput(), TaskError);  // every time
}

TEST(ForkProcessTest, NestedExceptionsComeBackAsAChain) {
  ForkProcess child([] {
    try {
      try {
        throw std::out_of_range("row 7");
      } catch (...) {
        std::throw_with_nested(Unreadable("grid"));
      }
    } catch (...) {
      std::throw_with_nested(std::runtime_error("task"));
    }
  });
  child.start();
  EXPECT_EQ(child.wait(), 1);
  const auto chain = failureOf<TaskError>(child).getChain();
  ASSERT_EQ(chain.size(), 3U);
  EXPECT_EQ(chain[0].message, "task");
  EXPECT_THAT(chain[1].type, HasSubstr("Unreadable"));
  EXPECT_EQ(chain[2].type, "std::out_of_range");
  EXPECT_EQ(chain[2].message, "row 7");
}

TEST(ForkProcessTest, WhatIsNoStandardExceptionComesBackByItsType) {
  ForkProcess child([] { throw 42; });
  child.start();
  EXPECT_EQ(child.wait(), 1);
  EXPECT_EQ(failureOf<TaskError>(child).getType(), "int");
}

struct Unsavable {
  template <class Archive>
  void serialize(Archive&, unsigned) {
    throw std::runtime_error("this value cannot be saved");
  }
  std::string text;
};

TEST(ForkProcessTest, AResultThatCannotBeEncodedIsAFailureOfTheCallback) {
  ForkProcess child([] { return Unsavable{}; });
  child.start();
  EXPECT_EQ(child.wait(), 1);
  EXPECT_EQ(failureOf<TaskError>(child).getMessage(), "this value cannot be saved");
}

struct SignalCase {
  const char* name;
  int signal;
  void (*raise)();
};

void PrintTo(const SignalCase& death, std::ostream* out) { *out << signalName(death.signal); }

class DeathBySignal : public testing::TestWithParam<SignalCase> {};

// The original reported exit code 0 for both.
TEST_P(DeathBySignal, IsToldWithTheSignal) {
  const auto [name, signal, die] = GetParam();
  ForkProcess child([die = die] {
    test::withoutCoreDump();
    die();
    return 0;
  });
  child.start();
  EXPECT_EQ(child.wait(), 128 + signal);
  EXPECT_EQ(child.getExitCode(), 128 + signal);
  EXPECT_TRUE(child.getStatus().isSignaled());
  const auto error = failureOf<WorkerLost>(child);
  EXPECT_EQ(error.getSignal(), signal);
  EXPECT_EQ(error.getPid(), child.getPid());
  EXPECT_THAT(error.what(), HasSubstr(signalName(signal)));
}

INSTANTIATE_TEST_SUITE_P(ForkProcessTest, DeathBySignal,
                         testing::Values(SignalCase{"Segfault", SIGSEGV, test::writeThroughNull},
                                         SignalCase{"Kill", SIGKILL, [] { raise(SIGKILL); }},
                                         SignalCase{"Abort", SIGABRT, [] { std::abort(); }},
                                         SignalCase{"Terminate", SIGABRT, [] { std::terminate(); }},
                                         SignalCase{"Term", SIGTERM, [] { raise(SIGTERM); }}),
                         [](const auto& death) { return death.param.name; });

TEST(ForkProcessTest, KillEndsItByTheSignalGiven) {
  Pipe gate = makePipe();
  ForkProcess child([&gate] { return test::waitForByte(gate); });
  child.start();
  EXPECT_THROW(child.kill(-1), std::invalid_argument);
  EXPECT_THROW(child.kill(65), std::invalid_argument);
  EXPECT_TRUE(child.kill());
  EXPECT_EQ(child.wait(), 128 + SIGTERM);
  EXPECT_FALSE(child.kill());
}

TEST(ForkProcessTest, AProcessKilledInTheMiddleOfItsResultIsLost) {
  ForkProcess child([] { return std::string(50000000, 'x'); });
  child.start();
  // Nobody reads, so it is stuck halfway through.
  while (!test::sleepsOrIsGone(*child.getPid())) {
    std::this_thread::yield();
  }
  child.kill(SIGKILL);
  EXPECT_EQ(child.wait(), 128 + SIGKILL);
  EXPECT_THROW(child.getOutput(), WorkerLost);
}

TEST(ForkProcessTest, DestroyingARunningOneEndsIt) {
  Pipe gate = makePipe();
  detail::FileDescriptor pidfd;
  {
    ForkProcess child([&gate] {
      signal(SIGTERM, SIG_IGN);
      return test::waitForByte(gate);
    });
    child.start();
    pidfd = detail::openPidfd(*child.getPid());
  }
  EXPECT_TRUE(test::hasEnded(pidfd.get()));  // and the leak guard finds no zombie
}

TEST(ForkProcessTest, CanBeMovedWhileItRuns) {
  Pipe gate = makePipe();
  ForkProcess first([&gate] { return test::waitForByte(gate); });
  first.start();
  ForkProcess second(std::move(first));
  // NOLINTNEXTLINE(bugprone-use-after-move): what is left is promised
  EXPECT_THROW(first.wait(), std::logic_error);
  EXPECT_TRUE(second.isRunning());
  test::sendByte(gate, 'm');
  EXPECT_EQ(second.wait(), 0);
  EXPECT_EQ(second.getOutput(), 'm');
}

TEST(ForkProcessTest, IsSupportedHere) { EXPECT_TRUE(ForkProcess<int>::isSupported()); }

}  // namespace
}  // namespace procession
