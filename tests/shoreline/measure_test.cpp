#include "shoreline/measure.hpp"

#include <gtest/gtest.h>

#include <numbers>
#include <vector>

#include "shoreline/sphere.hpp"

namespace procession::test {
namespace {

using shoreline::Layout;
using shoreline::Measure;
using shoreline::Segment;

/// 10 by 10 degrees.
Layout tenDegrees() {
  Layout layout;
  layout.binDegrees = 10;
  layout.binColumns = 36;
  layout.binRows = 18;
  return layout;
}

/// The bin whose south-west corner is at 0 E, 0 N.
constexpr std::uint32_t kAtOrigin = 8 * 36;

/// The segment owns no points.
struct Line {
  std::vector<std::int16_t> x;
  std::vector<std::int16_t> y;

  void add(int unitsEast, int unitsNorth) {
    x.push_back(static_cast<std::int16_t>(unitsEast));
    y.push_back(static_cast<std::int16_t>(unitsNorth));
  }
  [[nodiscard]] Measure measuredIn(std::uint32_t bin) const {
    return measure(tenDegrees(),
                   Segment{bin, 0, {static_cast<std::uint32_t>(x.size()), 1, 4, 4}, x, y});
  }
};

constexpr double kTenDegrees = shoreline::kEarthRadius * std::numbers::pi / 18;

TEST(SphereTest, TheRadiusIsTheMeanOfTheEllipsoids) {
  EXPECT_NEAR(shoreline::kEarthRadius, 6371008.7714, 1e-4);
}

TEST(SphereTest, GreatCirclesAreRightNearAndFar) {
  EXPECT_EQ(shoreline::greatCircle(0, 0, 1, 1), 0);
  EXPECT_DOUBLE_EQ(shoreline::greatCircle(1e-9, 0, 1, 1), 1e-9 * shoreline::kEarthRadius);
  EXPECT_DOUBLE_EQ(shoreline::greatCircle(0, std::numbers::pi, 1, 1),
                   std::numbers::pi * shoreline::kEarthRadius);
}

TEST(SegmentInfoTest, HoldsPointsLevelEntryAndExit) {
  const auto info = shoreline::SegmentInfo::unpack((70000U << 9) + (3U << 6) + (2U << 3) + 1U);
  EXPECT_EQ(info.points, 70000u);
  EXPECT_EQ(info.level, 3);
  EXPECT_EQ(info.entry, 2);
  EXPECT_EQ(info.exit, 1);
  EXPECT_EQ(info.shore(), shoreline::Shore::IslandInLake);
  EXPECT_EQ(shoreline::SegmentInfo::unpack(6U << 6).shore(), shoreline::Shore::GroundingLine);
  EXPECT_FALSE(shoreline::SegmentInfo::unpack(0).hasShore());
  EXPECT_FALSE(shoreline::SegmentInfo::unpack(5U << 6).hasShore());
}

TEST(LayoutTest, BinsLieInRowsFromTheNorth) {
  const Layout layout = tenDegrees();
  EXPECT_EQ(layout.west(0), 0);
  EXPECT_EQ(layout.south(0), 80);
  EXPECT_EQ(layout.west(35), 350);
  EXPECT_EQ(layout.west(kAtOrigin), 0);
  EXPECT_EQ(layout.south(kAtOrigin), 0);
  EXPECT_EQ(layout.south(36 * 18 - 1), -90);
}

TEST(MeasureTest, FollowsTheMeridian) {
  Line line;
  line.add(100, 0);
  line.add(100, 20'000);
  line.add(100, 65535);
  EXPECT_DOUBLE_EQ(line.measuredIn(kAtOrigin).metres, kTenDegrees);
}

TEST(MeasureTest, TakesCoordinatesAsUnsigned) {
  Line line;
  line.add(32'767, 100);
  line.add(32'768, 100);  // stored as -32768
  EXPECT_NEAR(line.measuredIn(kAtOrigin).metres, kTenDegrees / 65535, 1e-4);
}

TEST(MeasureTest, CutsCornersOffParallels) {
  Line line;
  line.add(0, 65534);
  line.add(65535, 65534);
  const double parallel = kTenDegrees * std::cos(10 * shoreline::kRadians);
  const double metres = line.measuredIn(kAtOrigin).metres;
  EXPECT_LT(metres, parallel);
  EXPECT_NEAR(metres, parallel, 1e-3 * parallel);
}

TEST(MeasureTest, LeavesOutEdgesOnTheBorder) {
  Line line;
  line.add(0, 100);
  line.add(0, 65535);      // along the west side
  line.add(65535, 65535);  // the north
  line.add(65535, 0);      // the east
  line.add(100, 0);        // the south
  line.add(100, 65535);    // across
  const Measure measure = line.measuredIn(kAtOrigin);
  EXPECT_EQ(measure.borderEdges, 4u);
  EXPECT_GT(measure.borderMetres, 3.9 * kTenDegrees);
  EXPECT_DOUBLE_EQ(measure.metres, kTenDegrees);
}

TEST(MeasureTest, KeepsEdgesFromSideToSide) {
  Line line;
  line.add(0, 30'000);
  line.add(65535, 30'000);
  EXPECT_EQ(line.measuredIn(kAtOrigin).borderEdges, 0u);
}

TEST(MeasureTest, TellsTheMiddle) {
  Line line;
  line.add(0, 0);
  line.add(65535, 13107);
  line.add(100, 0);
  const Measure measure = line.measuredIn(kAtOrigin + 1);
  EXPECT_DOUBLE_EQ(measure.longitude, 15);
  EXPECT_DOUBLE_EQ(measure.latitude, 1);
}

TEST(MeasureTest, NothingHasNoLength) {
  EXPECT_EQ(Line{}.measuredIn(0).metres, 0);
  Line point;
  point.add(5, 5);
  EXPECT_EQ(point.measuredIn(0).metres, 0);
}

}  // namespace
}  // namespace procession::test
