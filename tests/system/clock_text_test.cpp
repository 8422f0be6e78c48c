#include "system/clock_text.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "support/scoped_environment.hpp"

namespace procession::detail {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kNow{seconds(1'700'000'000)};

/// Local time is what TZ says.
class MomentTest : public testing::Test {
 protected:
  MomentTest() { setZone("UTC"); }
  ~MomentTest() override { tzset(); }
  void setZone(const char* zone) {
    environment_.set("TZ", zone);
    tzset();
  }

  test::ScopedEnvironment environment_;
};

TEST_F(MomentTest, IsATimeOfTheLocalZone) {
  EXPECT_EQ(parseMoment("2023-11-14T22:13:20", kNow), kNow);
  EXPECT_EQ(parseMoment("2023-11-14 22:13:20", kNow), kNow);
  EXPECT_EQ(parseMoment("2023-11-14T22:13", kNow), kNow - seconds(20));
  setZone("XYZ-3");  // POSIX: three hours east
  EXPECT_EQ(parseMoment("2023-11-15T01:13:20", kNow), kNow);
}

TEST_F(MomentTest, IsATimeOfAZoneThatIsSaid) {
  setZone("XYZ-3");
  EXPECT_EQ(parseMoment("2023-11-14T22:13:20Z", kNow), kNow);
  EXPECT_EQ(parseMoment("2023-11-14T23:13:20+01:00", kNow), kNow);
  EXPECT_EQ(parseMoment("2023-11-14T16:43:20-0530", kNow), kNow);
}

TEST_F(MomentTest, KnowsSummerTime) {
  setZone("CET-1CEST,M3.5.0,M10.5.0/3");
  EXPECT_EQ(parseMoment("2024-07-01T12:00:00", kNow), parseMoment("2024-07-01T10:00:00Z", kNow));
  EXPECT_EQ(parseMoment("2024-01-01T12:00:00", kNow), parseMoment("2024-01-01T11:00:00Z", kNow));
}

TEST_F(MomentTest, IsSecondsSince1970) {
  EXPECT_EQ(parseMoment("1700000000", kNow), kNow);
  EXPECT_EQ(parseMoment("100000000", kNow), WallTime(seconds(100'000'000)));
}

TEST_F(MomentTest, IsATimeFromNow) {
  EXPECT_EQ(parseMoment("+45s", kNow), kNow + seconds(45));
  EXPECT_EQ(parseMoment("+90m", kNow), kNow + minutes(90));
  EXPECT_EQ(parseMoment("+1h30m", kNow), kNow + minutes(90));
  EXPECT_EQ(parseMoment("+2d", kNow), kNow + hours(48));
}

TEST_F(MomentTest, IsNothingElse) {
  for (const char* text : {"",
                           " ",
                           "soon",
                           "none",
                           "2023",
                           "2023-11-14",
                           "2023-11-14T22",
                           "2023-11-14T22:13:20 ",
                           "2023-11-14T24:00:00",
                           "2023-13-01T00:00",
                           "2023-02-30T00:00",
                           "2023-11-14T22:13:20+1",
                           "2023-11-14T22:13:20X",
                           "23-11-14T22:13",
                           "+",
                           "+90",
                           "+m",
                           "+1x",
                           "-90m",
                           "+90m ",
                           "+ 90m",
                           "99999999999999999999",
                           "+99999999999999999999s",
                           "+4000000000d",
                           "1700000000.5",
                           "N/A"}) {
    EXPECT_EQ(parseMoment(text, kNow), std::nullopt) << text;
  }
}

TEST_F(MomentTest, IsToldInLocalTime) {
  EXPECT_EQ(momentText(kNow), "2023-11-14 22:13:20");
  setZone("XYZ-3");
  EXPECT_EQ(momentText(kNow), "2023-11-15 01:13:20");
}

}  // namespace
}  // namespace procession::detail
