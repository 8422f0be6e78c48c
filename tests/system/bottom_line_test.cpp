#include "system/bottom_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "support/pseudo_terminal.hpp"
#include "support/scoped_environment.hpp"

namespace procession::detail {
namespace {

using test::PseudoTerminal;
using test::Screen;
using testing::ElementsAre;

class BottomLineTest : public testing::Test {
 protected:
  BottomLineTest() { environment_.set("TERM", "xterm"); }

  void show(const std::string& text) {
    ASSERT_TRUE(line_.width());
    line_.show(text);
  }

  test::ScopedEnvironment environment_;
  PseudoTerminal terminal_{6, 40};
  BottomLine line_{terminal_.descriptor()};
};

TEST_F(BottomLineTest, IsBelowWhatIsWrittenBeforeAndAfter) {
  terminal_.print("before\n");
  show("[==>  ]");
  terminal_.print("after\n");
  EXPECT_THAT(terminal_.look().lines(), ElementsAre("before", "after", "", "", "", "[==>  ]"));
}

TEST_F(BottomLineTest, StaysWhileOthersScroll) {
  for (int number = 0; number < 9; ++number) {
    show("line " + std::to_string(number));
    terminal_.print("a\nlong\n");
  }
  const Screen& screen = terminal_.look();
  EXPECT_EQ(screen.bottomLine(), "line 8");
  line_.remove();
  const auto lines = terminal_.look().lines();
  ASSERT_EQ(lines.size(), 18u);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i], i % 2 == 0 ? "a" : "long");
  }
}

TEST_F(BottomLineTest, LeavesALineThatIsNotComplete) {
  terminal_.print("computing ... ");
  show("[==>  ]");
  line_.remove();
  terminal_.print("done\n");
  EXPECT_THAT(terminal_.look().lines(), ElementsAre("computing ... done"));
}

TEST_F(BottomLineTest, MovesALineThatIsNotCompleteOutOfTheLastRow) {
  terminal_.print("1\n2\n3\n4\n5\nworking: ");
  show("[==>  ]");
  terminal_.print("6");
  EXPECT_THAT(terminal_.look().lines(),
              ElementsAre("1", "2", "3", "4", "5", "working: 6", "[==>  ]"));
  line_.remove();
  terminal_.print("7\n");
  EXPECT_THAT(terminal_.look().lines(), ElementsAre("1", "2", "3", "4", "5", "working: 67"));
}

TEST_F(BottomLineTest, AShorterTextLeavesNothingOfALongerOne) {
  show("a long text");
  show("short");
  EXPECT_EQ(terminal_.look().bottomLine(), "short");
}

TEST_F(BottomLineTest, GivesTheTerminalBack) {
  show("[==>  ]");
  EXPECT_FALSE(terminal_.look().isWhole());
  EXPECT_TRUE(line_.isShown());
  line_.remove();
  EXPECT_FALSE(line_.isShown());
  EXPECT_TRUE(terminal_.look().isWhole());
  EXPECT_THAT(terminal_.look().lines(), ElementsAre());
  {
    BottomLine other(terminal_.descriptor());
    ASSERT_TRUE(other.width());
    other.show("to its end");
  }
  EXPECT_TRUE(terminal_.look().isWhole());
}

TEST_F(BottomLineTest, FollowsTheTerminalsSize) {
  EXPECT_EQ(line_.width(), 39u);
  terminal_.print("before\n");
  show("old");
  terminal_.resize(8, 60);
  EXPECT_EQ(line_.width(), 59u);
  line_.show("new");
  terminal_.print("after\n");
  EXPECT_THAT(terminal_.look().lines(), ElementsAre("before", "after", "", "", "", "", "", "new"));
  terminal_.resize(5, 30);
  EXPECT_EQ(line_.width(), 29u);
  line_.show("small");
  EXPECT_THAT(terminal_.look().lines(), ElementsAre("before", "after", "", "", "small"));
}

TEST_F(BottomLineTest, HasNoRoomOnATerminalThatIsTooSmall) {
  terminal_.resize(2, 80);
  EXPECT_FALSE(line_.width());
  terminal_.resize(24, 5);
  EXPECT_FALSE(line_.width());
  terminal_.resize(0, 0);  // one that does not tell its size
  EXPECT_FALSE(line_.width());
}

TEST_F(BottomLineTest, NeedsATerminalThatMovesItsCursor) {
  EXPECT_TRUE(line_.isPossible());
  environment_.set("TERM", "dumb");
  EXPECT_FALSE(line_.isPossible());
  environment_.unset("TERM");
  EXPECT_FALSE(line_.isPossible());
  environment_.set("TERM", "xterm");
  const Pipe pipe = makePipe();
  EXPECT_FALSE(BottomLine(pipe.write.get()).isPossible());
}

TEST_F(BottomLineTest, IsNotForProcessesInTheBackground) {
  // A session of its own with this terminal, and in it a group that is not the one in front.
  const pid_t leader = fork();
  if (leader == 0) {
    setsid();
    ioctl(terminal_.descriptor(), TIOCSCTTY, 0);
    const bool isInFront = line_.width().has_value();
    const pid_t other = fork();
    if (other == 0) {
      setpgid(0, 0);
      _exit(line_.width().has_value() ? 1 : 0);
    }
    int status = 0;
    waitpid(other, &status, 0);
    _exit(isInFront && status == 0 ? 0 : 1);
  }
  int status = 0;
  waitpid(leader, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace procession::detail
