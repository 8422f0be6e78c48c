#include "shoreline/survey.hpp"

#include <gtest/gtest.h>
#include <procession/hdf5.hpp>

#include <algorithm>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "shoreline/options.hpp"
#include "shoreline/reckoning.hpp"
#include "shoreline/report.hpp"

namespace procession::test {
namespace {

shoreline::Survey surveyWith(int workers, const std::string& file) {
  ProcessPool pool({.workerCount = workers, .grain = shoreline::kSegmentsALeaf});
  return shoreline::survey(pool, file);
}

/// All that does not depend on the run.
std::string resultsOf(shoreline::Survey survey) {
  survey.phases.clear();
  std::ostringstream stream;
  shoreline::print(stream, survey, false);
  stream << shoreline::toJson(survey);
  return stream.str();
}

class SurveyTest : public testing::TestWithParam<char> {
 protected:
  [[nodiscard]] std::string file() const { return shoreline::fileOf(GetParam()); }
};

void expectClose(double value, long double expected, const std::string& what) {
  EXPECT_NEAR(value, static_cast<double>(expected), 1e-10 * static_cast<double>(expected)) << what;
}

void expectSameShores(const shoreline::Survey& survey, const Reckoning& expected) {
  for (int shore = 0; shore < shoreline::kShores; ++shore) {
    const auto index = static_cast<std::size_t>(shore);
    const std::string name = shoreline::nameOf(static_cast<shoreline::Shore>(shore));
    const int level = shore == 4 ? 6 : shore + 1;
    const auto found = expected.levels.find(level);
    const Reckoning::Level figures =
        found == expected.levels.end() ? Reckoning::Level{} : found->second;
    EXPECT_EQ(survey.shores[index].segments, figures.segments) << name;
    EXPECT_EQ(survey.shores[index].points, figures.points) << name;
    expectClose(survey.shores[index].metres / 1000, figures.kilometres, name);
    EXPECT_EQ(survey.areas[index].polygons, figures.polygons) << name;
    expectClose(survey.areas[index].area, figures.area, name);
  }
}

void expectSameBins(const shoreline::Survey& survey, const Reckoning& expected) {
  std::vector<long double> bins = expected.binKilometres;
  std::ranges::sort(bins, std::greater{});
  EXPECT_EQ(survey.binsWithShore,
            std::ranges::count_if(bins, [](long double length) { return length > 0; }));
  ASSERT_EQ(survey.bins.size(), 10u);
  for (std::size_t i = 0; i < survey.bins.size(); ++i) {
    expectClose(survey.bins[i].metres / 1000, bins[i], "rank");
    expectClose(survey.bins[i].metres / 1000, expected.binKilometres[survey.bins[i].bin], "bin");
  }
}

TEST_P(SurveyTest, AgreesWithAnIndependentReckoning) {
  const Reckoning expected(file());
  const shoreline::Survey survey = surveyWith(2, file());
  expectSameShores(survey, expected);
  expectSameBins(survey, expected);
  EXPECT_EQ(survey.riverLakes.polygons, expected.riverLakes);
  for (const auto& island : survey.islands) {
    expectClose(island.coast.metres / 1000, expected.coasts.at(static_cast<int>(island.polygon)),
                island.name);
  }
}

TEST_P(SurveyTest, CountsWhatTheFileSaysItHas) {
  const auto countInFile = [&](const char* path) {
    return hdf5::Dataset<std::uint64_t>(file(), path).readAll().at(0);
  };
  const shoreline::Survey survey = surveyWith(2, file());
  std::uint64_t segments = 0;
  std::uint64_t polygons = 0;
  for (std::size_t shore = 0; shore < shoreline::kShores; ++shore) {
    segments += survey.shores[shore].segments;
    polygons += survey.areas[shore].polygons;
  }
  EXPECT_EQ(survey.pointsRead(), countInFile("/N_points_in_file"));
  EXPECT_EQ(segments, countInFile("/N_segments_in_file"));
  EXPECT_EQ(polygons, countInFile("/N_polygons_in_file"));
}

TEST_P(SurveyTest, FindsTheIslandsThatAtlasesList) {
  const shoreline::Survey survey = surveyWith(2, file());
  std::vector<std::string> names;
  for (const auto& island : survey.islands) {
    names.push_back(island.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"Greenland", "New Guinea", "Borneo", "Madagascar",
                                             "Baffin Island", "Sumatra", "Honshu",
                                             "Victoria Island", "Great Britain", "Ellesmere Island",
                                             "Sulawesi", "South Island"}));
}

TEST_P(SurveyTest, IsTheSameToTheLastBitForAnyNumberOfWorkers) {
  const std::string expected = resultsOf(surveyWith(1, file()));
  for (const int workers : {2, 3, 7}) {
    EXPECT_EQ(resultsOf(surveyWith(workers, file())), expected) << workers;
  }
}

TEST_P(SurveyTest, IsWhatOneProcessFinds) {
  const shoreline::Survey serial = shoreline::surveySerially(file());
  const shoreline::Survey parallel = surveyWith(3, file());
  for (std::size_t shore = 0; shore < parallel.shores.size(); ++shore) {
    EXPECT_EQ(parallel.shores[shore].segments, serial.shores[shore].segments);
    expectClose(parallel.shores[shore].metres, serial.shores[shore].metres, "shore");
  }
  EXPECT_EQ(parallel.islands.size(), serial.islands.size());
}

std::string nameOf(const testing::TestParamInfo<char>& resolution) { return {resolution.param}; }

INSTANTIATE_TEST_SUITE_P(Resolution, SurveyTest, testing::Values('c', 'l', 'i'), nameOf);

// Where the package of the full resolution was there when the build was configured.
INSTANTIATE_TEST_SUITE_P(FullResolutionLargeTest, SurveyTest,
                         testing::ValuesIn(std::string(SHORELINE_LARGE_RESOLUTIONS)), nameOf);

}  // namespace
}  // namespace procession::test
