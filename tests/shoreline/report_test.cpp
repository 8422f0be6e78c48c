#include "shoreline/report.hpp"

#include <gtest/gtest.h>

#include "shoreline/coast.hpp"

namespace procession::test {
namespace {

TEST(ReportTest, GroupsDigits) {
  EXPECT_EQ(shoreline::formatNumber(0), "0");
  EXPECT_EQ(shoreline::formatNumber(999), "999");
  EXPECT_EQ(shoreline::formatNumber(1000), "1,000");
  EXPECT_EQ(shoreline::formatNumber(1664561.84, 1), "1,664,561.8");
  EXPECT_EQ(shoreline::formatNumber(-123456), "-123,456");
  EXPECT_EQ(shoreline::formatNumber(0.125, 3), "0.125");
}

TEST(ReportTest, NamesDirections) {
  EXPECT_EQ(shoreline::formatLongitude(0), "0");
  EXPECT_EQ(shoreline::formatLongitude(20), "20 E");
  EXPECT_EQ(shoreline::formatLongitude(350), "10 W");
  EXPECT_EQ(shoreline::formatLongitude(180), "180");
  EXPECT_EQ(shoreline::formatLongitude(360), "0");
  EXPECT_EQ(shoreline::formatLatitude(0), "0");
  EXPECT_EQ(shoreline::formatLatitude(-90), "90 S");
  EXPECT_EQ(shoreline::formatLatitude(12.5), "12.5 N");
}

shoreline::Segment segmentIn(std::uint32_t bin, std::uint32_t polygon, int level) {
  return {bin, polygon, {10, level, 4, 4}, {}, {}};
}

TEST(CoastTest, JoinedCoastsAreTheCoastOfTheWhole) {
  const std::vector<std::uint32_t> followed{2, 5};
  const std::vector<shoreline::Segment> segments{segmentIn(0, 1, 1), segmentIn(0, 2, 1),
                                                 segmentIn(3, 2, 1), segmentIn(3, 4, 2),
                                                 segmentIn(3, 4, 2), segmentIn(4, 5, 6)};
  const shoreline::Measure measure{.metres = 8, .borderMetres = 2, .borderEdges = 1};
  shoreline::Coast whole;
  for (const auto& segment : segments) {
    whole.add(segment, measure, followed);
  }
  for (std::size_t cut = 0; cut <= segments.size(); ++cut) {
    shoreline::Coast left;
    shoreline::Coast right;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      (i < cut ? left : right).add(segments[i], measure, followed);
    }
    left.append(right);
    EXPECT_EQ(left.bins(), whole.bins());
    EXPECT_EQ(left.binMetres(), whole.binMetres());
    EXPECT_EQ(left.shoresOfPolygons(6), whole.shoresOfPolygons(6));
    EXPECT_EQ(left.followedCoasts().at(0).metres, whole.followedCoasts().at(0).metres);
  }
  EXPECT_EQ(whole.bins(), (std::vector<std::uint32_t>{0, 3})) << "the grounding line is no shore";
  EXPECT_EQ(whole.binMetres(), (std::vector<double>{16, 24}));
  EXPECT_EQ(whole.total(shoreline::Shore::Land).metres, 24);
  EXPECT_EQ(whole.total(shoreline::Shore::Lake).points, 20u);
  EXPECT_EQ(whole.borderEdges(), 6u);
  EXPECT_EQ(whole.followedCoasts().at(0).metres, 16);
  EXPECT_EQ(whole.followedCoasts().at(1).metres, 8);
  EXPECT_EQ(whole.shoresOfPolygons(6)[4], shoreline::Shore::Lake);
}

TEST(IslandsTest, AreRankedWithoutContinentsAndLakes) {
  using shoreline::Shore;
  const std::vector<double> areas{9e6, 100, 300, -50, 200, 400};
  const std::vector<Shore> shores{Shore::Land, Shore::Land, Shore::Land,
                                  Shore::Lake, Shore::Land, Shore::Lake};
  const auto polygons = shoreline::findLargePolygons(areas, 3);
  EXPECT_EQ(polygons, (std::vector<std::uint32_t>{2, 4, 5}));
  const auto islands = shoreline::findLargestIslands(polygons, areas, shores, {{}, {}, {}}, 5);
  ASSERT_EQ(islands.size(), 2u);
  EXPECT_EQ(islands[0].polygon, 2u);
  EXPECT_EQ(islands[1].polygon, 4u);
  EXPECT_EQ(shoreline::findLargePolygons(areas, 50).size(), 5u);
}

TEST(IslandsTest, TheMiddleOfACoastAcrossTheDateLineIsThere) {
  shoreline::PolygonCoast coast;
  coast.add({.metres = 5, .longitude = 179, .latitude = 10});
  coast.add({.metres = 5, .longitude = -179, .latitude = 10});
  EXPECT_NEAR(std::abs(coast.longitude()), 180, 1e-9);
  EXPECT_NEAR(coast.latitude(), 10, 0.01);
}

}  // namespace
}  // namespace procession::test
