#include "system/environment.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "support/scoped_environment.hpp"

namespace procession::detail {
namespace {

constexpr const char* kName = "PROCESSION_TEST_VARIABLE";

/// The message of the std::invalid_argument that `read` throws; empty when it throws none.
template <class Read>
std::string complaint(Read read) {
  try {
    read();
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(EnvironmentTest, UnsetAndEmptyReadAsNothing) {
  test::ScopedEnvironment environment;
  environment.unset(kName);
  EXPECT_EQ(readVariable(kName), std::nullopt);
  environment.set(kName, "");
  EXPECT_EQ(readVariable(kName), std::nullopt);
  EXPECT_EQ(readInteger(kName, 1, 9), std::nullopt);
  EXPECT_EQ(readChoice(kName, {"a", "b"}), std::nullopt);
  EXPECT_EQ(readSwitch(kName), std::nullopt);
}

TEST(EnvironmentTest, ReadsWholeNumbersInTheirRange) {
  test::ScopedEnvironment environment;
  environment.set(kName, "-7");
  EXPECT_EQ(readInteger(kName, -7, 12), -7);
  environment.set(kName, "12");
  EXPECT_EQ(readInteger(kName, -7, 12), 12);
  for (const char* bad :
       {"13", "-8", "many", "3x", " 3", "3 ", "0x3", "1e1", "99999999999999999999"}) {
    environment.set(kName, bad);
    EXPECT_EQ(complaint([] { readInteger(kName, -7, 12); }),
              std::string(kName) + " is '" + bad + "'; it must be a whole number from -7 to 12");
  }
}

TEST(EnvironmentTest, ReadsChoicesOfEitherCase) {
  test::ScopedEnvironment environment;
  environment.set(kName, "MPI");
  EXPECT_EQ(readChoice(kName, {"fork", "mpi", "serial"}), 1U);
  environment.set(kName, "mp");
  EXPECT_EQ(complaint([] {
              readChoice(kName, {"fork", "mpi", "serial"});
            }),
            std::string(kName) + " is 'mp'; it must be fork, mpi or serial");
}

TEST(EnvironmentTest, ReadsSwitches) {
  test::ScopedEnvironment environment;
  for (const char* on : {"on", "yes", "true", "1", "On"}) {
    environment.set(kName, on);
    EXPECT_EQ(readSwitch(kName), true) << on;
  }
  for (const char* off : {"off", "no", "false", "0", "OFF"}) {
    environment.set(kName, off);
    EXPECT_EQ(readSwitch(kName), false) << off;
  }
  environment.set(kName, "maybe");
  EXPECT_NE(complaint([] { readSwitch(kName); }), "");
}

}  // namespace
}  // namespace procession::detail
