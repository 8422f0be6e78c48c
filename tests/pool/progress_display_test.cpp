#include "pool/progress_display.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/in_child.hpp"
#include "support/pseudo_terminal.hpp"
#include "support/scoped_environment.hpp"

namespace procession::detail {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::PseudoTerminal;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Times are told, not waited for.
constexpr Time kBegin = std::chrono::hours(5);

class ProgressDisplayTest : public testing::Test {
 protected:
  ProgressDisplayTest() { environment_.set("TERM", "xterm"); }

  /// Looks as the owner does: whenever the display wants it.
  static void runUntil(ProgressDisplay& display, Time end, Time begin = kBegin) {
    for (Time now = begin; (now = std::max(now, display.nextLook())) <= end;) {
      display.look({static_cast<std::uint64_t>((now - kBegin) / seconds(1)), 0}, now);
    }
  }

  /// What a log gets.
  template <class Body>
  static std::string logOf(Body body) {
    return test::inChild([&] {
             body();
             return 0;
           })
        .output;
  }

  test::ScopedEnvironment environment_;
  PseudoTerminal terminal_{5, 60};
};

TEST_F(ProgressDisplayTest, TheBarComesAfterASecondAndGoesAtTheEnd) {
  const test::Redirected redirected(terminal_.descriptor());
  ProgressDisplay display("map", 100, Progress::Auto, kBegin);
  EXPECT_EQ(display.nextLook(), kBegin + seconds(1));
  display.look({20, 0}, display.nextLook());
  EXPECT_THAT(terminal_.look().bottomLine(), StartsWith("map  ["));
  EXPECT_THAT(terminal_.look().bottomLine(), HasSubstr("20 %  20 of 100  20/s  4 s left"));
  display.look({40, 3}, display.nextLook());
  EXPECT_THAT(terminal_.look().bottomLine(), HasSubstr("40 %  40 of 100"));
  EXPECT_THAT(terminal_.look().bottomLine(), HasSubstr("3 failed"));
  display.end({100, 3}, kBegin + seconds(5));
  EXPECT_THAT(terminal_.look().lines(), IsEmpty());
  EXPECT_TRUE(terminal_.look().isWhole());
}

TEST_F(ProgressDisplayTest, TheBarIsRedrawnFourTimesASecondAtMost) {
  const test::Redirected redirected(terminal_.descriptor());
  ProgressDisplay display("map", 100, Progress::Auto, kBegin);
  display.look({10, 0}, kBegin + seconds(1));
  EXPECT_EQ(display.nextLook(), kBegin + milliseconds(1250));
  const std::string before = terminal_.look().bottomLine();
  display.look({20, 0}, kBegin + milliseconds(1249));
  EXPECT_EQ(terminal_.look().bottomLine(), before);
}

TEST_F(ProgressDisplayTest, OnShowsTheBarAtOnceAndTellsTheEnd) {
  const test::Redirected redirected(terminal_.descriptor());
  ProgressDisplay display("filter", 8, Progress::On, kBegin);
  EXPECT_EQ(display.nextLook(), kBegin);
  display.look({0, 0}, kBegin);
  EXPECT_THAT(terminal_.look().bottomLine(), HasSubstr("0 of 8"));
  display.end({8, 0}, kBegin + milliseconds(500));
  EXPECT_THAT(terminal_.look().lines(), ElementsAre("procession: filter: 8 items in 0 s, 16/s"));
}

TEST_F(ProgressDisplayTest, OnTellsTheEndInALogToo) {
  EXPECT_EQ(logOf([] {
              ProgressDisplay display("each", 8, Progress::On, kBegin);
              display.look({1, 0}, kBegin);
              display.end({8, 1}, kBegin + seconds(2));
            }),
            "procession: each: 8 items in 2 s, 4.0/s, 1 failed\n");
}

TEST_F(ProgressDisplayTest, ALogGetsNothingOfWhatIsShorterThanAMinute) {
  EXPECT_EQ(logOf([] {
              ProgressDisplay display("map", 100, Progress::Auto, kBegin);
              runUntil(display, kBegin + seconds(59));
              display.end({100, 0}, kBegin + seconds(59));
            }),
            "");
}

TEST_F(ProgressDisplayTest, ALogGetsALineAMinuteAndTheEnd) {
  EXPECT_EQ(logOf([] {
              ProgressDisplay display("map", 200, Progress::Auto, kBegin);
              runUntil(display, kBegin + minutes(2) + seconds(59));
              display.end({200, 0}, kBegin + minutes(3) + seconds(20));
            }),
            "procession: map: 60 of 200 items (30 %) in 1 min 00 s, 1.0/s, 2 min 20 s left\n"
            "procession: map: 120 of 200 items (60 %) in 2 min 00 s, 1.0/s, 1 min 20 s left\n"
            "procession: map: 200 items in 3 min 20 s, 1.0/s\n");
}

TEST_F(ProgressDisplayTest, AMinuteThatWasMissedIsNotMadeUpFor) {
  EXPECT_EQ(logOf([] {
              ProgressDisplay display("map", 1000, Progress::Auto, kBegin);
              display.look({500, 0}, kBegin + minutes(5) + seconds(30));
              if (display.nextLook() != kBegin + minutes(6)) {
                std::fputs("it looks again too soon or too late", stderr);
              }
            }),
            "procession: map: 500 of 1,000 items (50 %) in 5 min 30 s, 1.5/s, 5 min 30 s left\n");
}

TEST_F(ProgressDisplayTest, ThereIsNoBarWhileTheProgramGoesOn) {
  const test::Redirected redirected(terminal_.descriptor());
  ProgressDisplay display("mapUnordered", 100, Progress::Auto, kBegin);
  display.look({10, 0}, kBegin + seconds(1));
  EXPECT_FALSE(terminal_.look().lines().empty());
  display.pause();
  EXPECT_THAT(terminal_.look().lines(), IsEmpty());
  EXPECT_TRUE(terminal_.look().isWhole());
  display.resume(kBegin + seconds(2));
  display.look({20, 0}, kBegin + milliseconds(2500));
  EXPECT_THAT(terminal_.look().lines(), IsEmpty()) << "a wait shorter than a second";
  display.look({20, 0}, display.nextLook());
  EXPECT_THAT(terminal_.look().bottomLine(), HasSubstr("20 of 100"));
}

TEST_F(ProgressDisplayTest, PausesDoNotKeepALogFromItsLines) {
  const std::string log = logOf([] {
    ProgressDisplay display("mapUnordered", 1000, Progress::Auto, kBegin);
    for (int second = 0; second <= 61; ++second) {
      display.resume(kBegin + seconds(second));
      display.look({static_cast<std::uint64_t>(second), 0}, kBegin + seconds(second));
      display.pause();
    }
  });
  EXPECT_THAT(log, StartsWith("procession: mapUnordered: 60 of 1,000 items (6 %)"));
}

TEST_F(ProgressDisplayTest, OfSeveralTheFirstHasTheTerminal) {
  const test::Redirected redirected(terminal_.descriptor());
  ProgressDisplay first("map", 100, Progress::On, kBegin);
  {
    ProgressDisplay second("filter", 100, Progress::On, kBegin);
    first.look({10, 0}, kBegin);
    second.look({20, 0}, kBegin);
    EXPECT_THAT(terminal_.look().bottomLine(), StartsWith("map"));
  }
  EXPECT_THAT(terminal_.look().bottomLine(), StartsWith("map"));
  first.pause();
  ProgressDisplay third("reduce", 100, Progress::On, kBegin);
  third.look({30, 0}, kBegin);
  EXPECT_THAT(terminal_.look().bottomLine(), StartsWith("reduce"));
}

TEST_F(ProgressDisplayTest, ATerminalWithoutACursorIsALog) {
  environment_.set("TERM", "dumb");
  const test::Redirected redirected(terminal_.descriptor());
  ProgressDisplay display("map", 100, Progress::Auto, kBegin);
  runUntil(display, kBegin + minutes(1));
  EXPECT_THAT(terminal_.look().lines().at(0), StartsWith("procession: map: 60 of 100 items"));
  EXPECT_TRUE(terminal_.look().isWhole());
}

TEST(ProgressChoiceTest, TheVariableDecidesWhereTheProgramDoesNot) {
  test::ScopedEnvironment environment;
  environment.unset("PROCESSION_PROGRESS");
  EXPECT_EQ(chooseProgress(Progress::Auto), Progress::Auto);
  for (const auto& [text, meant] :
       {std::pair("auto", Progress::Auto), std::pair("Off", Progress::Off),
        std::pair("on", Progress::On)}) {
    environment.set("PROCESSION_PROGRESS", text);
    EXPECT_EQ(chooseProgress(Progress::Auto), meant);
    EXPECT_EQ(chooseProgress(Progress::Off), Progress::Off);
    EXPECT_EQ(chooseProgress(Progress::On), Progress::On);
  }
}

TEST(ProgressChoiceTest, ABadValueIsAnErrorThatNamesTheVariable) {
  test::ScopedEnvironment environment;
  environment.set("PROCESSION_PROGRESS", "bar");
  EXPECT_THAT([] { static_cast<void>(chooseProgress(Progress::Auto)); },
              testing::ThrowsMessage<std::invalid_argument>(
                  "PROCESSION_PROGRESS is 'bar'; it must be auto, off or on"));
}

}  // namespace
}  // namespace procession::detail
