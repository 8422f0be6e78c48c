#include "shoreline/survey.hpp"

#include <procession/hdf5.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ranges>
#include <utility>

#include "shoreline/format_error.hpp"
#include "shoreline/measure.hpp"
#include "shoreline/segment_reader.hpp"

namespace shoreline {

namespace {

/// Twice as many as islands are listed: lakes fall out.
constexpr std::size_t kPolygonsFollowed = 2 * kIslandsListed;

// What workers do.

Coast addSegment(const Layout& layout, const std::vector<std::uint32_t>& followed, Coast coast,
                 std::uint64_t index) {
  const Segment segment = SegmentReader::ofProcess(layout).read(index);
  coast.add(segment, measure(layout, segment), followed);
  return coast;
}

Coast joinCoasts(Coast left, const Coast& right) {
  left.append(right);
  return left;
}

// What is left for the parent.

class Stopwatch {
 public:
  explicit Stopwatch(std::vector<Phase>& phases) : phases_(phases) {}

  void endPhase(const char* name, int processes = 1) {
    const auto now = std::chrono::steady_clock::now();
    phases_.push_back({name, std::chrono::duration<double>(now - start_).count(), processes});
    start_ = now;
  }

 private:
  std::vector<Phase>& phases_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// What is known before any segment was read.
struct Preparation {
  Layout layout;
  std::vector<double> areas;  // km^2 of each polygon; negative: a river-lake
  std::vector<std::uint32_t> followed;

  explicit Preparation(const std::string& file)
      : layout(Layout::read(file)),
        areas(procession::hdf5::Dataset<double>(file, dataset::kAreas).readAll()),
        followed(findLargePolygons(areas, kPolygonsFollowed)) {}
};

std::vector<BinShore> findBusiestBins(const Coast& coast) {
  const auto& metres = coast.binMetres();
  const auto isBusier = [&](std::size_t a, std::size_t b) {
    return metres[a] != metres[b] ? metres[a] > metres[b] : a < b;
  };
  std::vector<std::size_t> busiest(kBinsListed);
  const auto all = std::views::iota(std::size_t{0}, metres.size());
  busiest.erase(std::ranges::partial_sort_copy(all, busiest, isBusier).out, busiest.end());
  std::vector<BinShore> bins;
  bins.reserve(busiest.size());
  for (const std::size_t index : busiest) {
    bins.push_back({coast.bins()[index], metres[index]});
  }
  return bins;
}

void addAreas(Survey& survey, const std::vector<double>& areas, const std::vector<Shore>& shores) {
  for (std::size_t polygon = 0; polygon < areas.size(); ++polygon) {
    AreaTotal& total = survey.areas[static_cast<std::size_t>(shores[polygon])];
    ++total.polygons;
    total.area += std::abs(areas[polygon]);
    if (areas[polygon] < 0) {
      ++survey.riverLakes.polygons;
      survey.riverLakes.area -= areas[polygon];
    }
  }
}

Survey summarise(const Preparation& known, const Coast& coast) {
  Survey survey;
  survey.layout = known.layout;
  for (int shore = 0; shore < kShores; ++shore) {
    survey.shores[static_cast<std::size_t>(shore)] = coast.total(static_cast<Shore>(shore));
  }
  if (survey.pointsRead() != known.layout.points) {
    throw FormatError(known.layout.file, "its segments have " +
                                             std::to_string(survey.pointsRead()) + " points, not " +
                                             std::to_string(known.layout.points));
  }
  survey.borderEdges = coast.borderEdges();
  survey.borderMetres = coast.borderMetres();
  survey.binsWithShore = coast.bins().size();
  survey.bins = findBusiestBins(coast);
  const auto shores = coast.shoresOfPolygons(known.layout.polygons);
  addAreas(survey, known.areas, shores);
  survey.islands = findLargestIslands(known.followed, known.areas, shores, coast.followedCoasts(),
                                      kIslandsListed);
  return survey;
}

}  // namespace

ShoreTotal Survey::totalShore() const {
  ShoreTotal sum;
  for (int shore = 0; shore < kCountedShores; ++shore) {
    sum.append(shores[static_cast<std::size_t>(shore)]);
  }
  return sum;
}

std::uint64_t Survey::pointsRead() const {
  return totalShore().points + shores[static_cast<std::size_t>(Shore::GroundingLine)].points;
}

Survey survey(procession::ProcessPool& pool, const std::string& file) {
  std::vector<Phase> phases;
  Stopwatch stopwatch(phases);
  const Preparation known(file);
  stopwatch.endPhase("check the file, read the areas");

  // Workers count the segments' numbers out for themselves, and read the rest from the file.
  const Coast coast =
      pool.aggregate(std::views::iota(std::uint64_t{0}, known.layout.segments), Coast{},
                     procession::bindFront(&addSegment, known.layout, known.followed), &joinCoasts);
  SegmentReader::closeOfProcess();
  stopwatch.endPhase("read and measure the segments", pool.getWorkerCount());

  Survey result = summarise(known, coast);
  stopwatch.endPhase("rank bins and islands");
  result.phases = std::move(phases);
  return result;
}

Survey surveySerially(const std::string& file) {
  std::vector<Phase> phases;
  Stopwatch stopwatch(phases);
  const Preparation known(file);
  stopwatch.endPhase("check the file, read the areas");

  Coast coast;
  for (std::uint64_t index = 0; index < known.layout.segments; ++index) {
    coast = addSegment(known.layout, known.followed, std::move(coast), index);
  }
  SegmentReader::closeOfProcess();
  stopwatch.endPhase("read and measure the segments");

  Survey result = summarise(known, coast);
  stopwatch.endPhase("rank bins and islands");
  result.phases = std::move(phases);
  return result;
}

}  // namespace shoreline
