#include "shoreline/coast.hpp"

#include <algorithm>

namespace shoreline {

void ShoreTotal::append(const ShoreTotal& next) {
  segments += next.segments;
  points += next.points;
  metres += next.metres;
}

void Coast::add(const Segment& segment, const Measure& measure,
                const std::vector<std::uint32_t>& followed) {
  const Shore shore = segment.info.shore();
  totals_[static_cast<std::size_t>(shore)].append({1, segment.info.points, measure.metres});
  borderEdges_ += measure.borderEdges;
  borderMetres_ += measure.borderMetres;
  if (shore != Shore::GroundingLine) {
    addToBin(segment.bin, measure.metres);
  }
  // Large polygons come in thousands of segments, often several in a row.
  if (shore != Shore::Land && (polygons_.empty() || polygons_.back() != segment.polygon)) {
    polygons_.push_back(segment.polygon);
    polygonShores_.push_back(static_cast<std::uint8_t>(shore));
  }
  followedCoasts_.resize(followed.size());
  const auto found = std::lower_bound(followed.begin(), followed.end(), segment.polygon);
  if (found != followed.end() && *found == segment.polygon) {
    followedCoasts_[static_cast<std::size_t>(found - followed.begin())].add(measure);
  }
}

void Coast::append(const Coast& next) {
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    totals_[i].append(next.totals_[i]);
  }
  borderEdges_ += next.borderEdges_;
  borderMetres_ += next.borderMetres_;
  // Runs meet within a bin.
  for (std::size_t i = 0; i < next.bins_.size(); ++i) {
    addToBin(next.bins_[i], next.binMetres_[i]);
  }
  polygons_.insert(polygons_.end(), next.polygons_.begin(), next.polygons_.end());
  polygonShores_.insert(polygonShores_.end(), next.polygonShores_.begin(),
                        next.polygonShores_.end());
  followedCoasts_.resize(std::max(followedCoasts_.size(), next.followedCoasts_.size()));
  for (std::size_t i = 0; i < next.followedCoasts_.size(); ++i) {
    followedCoasts_[i].append(next.followedCoasts_[i]);
  }
}

std::vector<Shore> Coast::shoresOfPolygons(std::uint64_t polygons) const {
  std::vector<Shore> shores(polygons, Shore::Land);
  for (std::size_t i = 0; i < polygons_.size(); ++i) {
    shores.at(polygons_[i]) = static_cast<Shore>(polygonShores_[i]);
  }
  return shores;
}

void Coast::addToBin(std::uint32_t bin, double metres) {
  if (bins_.empty() || bins_.back() != bin) {
    bins_.push_back(bin);
    binMetres_.push_back(metres);
  } else {
    binMetres_.back() += metres;
  }
}

}  // namespace shoreline
