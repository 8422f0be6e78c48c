#include "system/log.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <stdexcept>

#include "support/in_child.hpp"
#include "support/scoped_environment.hpp"

namespace procession::detail {
namespace {

constexpr const char* kName = "PROCESSION_LOG";

/// What a process writes that logs one line of each level. A process reads the variable once, so
/// each has its own.
std::string logOfEachLevel() {
  return test::inChild([] {
           log(LogLevel::Error, "e");
           log(LogLevel::Warn, "w");
           log(LogLevel::Info, "i");
           log(LogLevel::Debug, "d");
           return 0;
         })
      .output;
}

TEST(LogTest, WarningsAndErrorsAreWrittenByDefault) {
  test::ScopedEnvironment environment;
  environment.unset(kName);
  EXPECT_EQ(logOfEachLevel(), "procession: e\nprocession: w\n");
}

TEST(LogTest, TheVariableSetsTheLevel) {
  test::ScopedEnvironment environment;
  environment.set(kName, "error");
  EXPECT_EQ(logOfEachLevel(), "procession: e\n");
  environment.set(kName, "debug");
  EXPECT_EQ(logOfEachLevel(), "procession: e\nprocession: w\nprocession: i\nprocession: d\n");
}

TEST(LogTest, ABadLevelIsAnErrorForThoseWhoAskAndWarnForThoseWhoLog) {
  test::ScopedEnvironment environment;
  environment.set(kName, "loud");
  EXPECT_THROW(readLogLevel(), std::invalid_argument);
  EXPECT_EQ(logOfEachLevel(), "procession: e\nprocession: w\n");
}

TEST(LogTest, KeepsErrno) {
  const auto end = test::inChild([] {
    close(STDERR_FILENO);
    errno = ENOENT;
    log(LogLevel::Error, "nowhere to write this");
    return errno == ENOENT ? 0 : 1;
  });
  EXPECT_TRUE(end.status.isSuccess());
}

}  // namespace
}  // namespace procession::detail
