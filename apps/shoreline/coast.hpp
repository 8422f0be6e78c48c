#pragma once

#include <boost/serialization/array.hpp>
#include <boost/serialization/vector.hpp>

#include <array>
#include <cstdint>
#include <vector>

#include "shoreline/gshhg.hpp"
#include "shoreline/islands.hpp"
#include "shoreline/measure.hpp"

namespace shoreline {

/// What there is of one kind of shore.
struct ShoreTotal {
  std::uint64_t segments = 0;
  std::uint64_t points = 0;
  double metres = 0;

  void append(const ShoreTotal& next);
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& segments& points& metres;
  }
};

/// What a run of segments amounts to. Coasts of neighbouring runs are joined, so that they can be
/// the accumulator of a reduction. They hold as much as their run has bins with shore, and segments
/// of other than land.
class Coast {
 public:
  /// `followed`: polygons whose coasts are of interest, ascending.
  void add(const Segment& segment, const Measure& measure,
           const std::vector<std::uint32_t>& followed);
  /// Joins the run that comes next in the file.
  void append(const Coast& next);

  [[nodiscard]] const ShoreTotal& total(Shore shore) const {
    return totals_[static_cast<std::size_t>(shore)];
  }
  [[nodiscard]] std::uint64_t borderEdges() const { return borderEdges_; }
  [[nodiscard]] double borderMetres() const { return borderMetres_; }
  /// Bins with shore, ascending, and the metres of counted shore in each.
  [[nodiscard]] const std::vector<std::uint32_t>& bins() const { return bins_; }
  [[nodiscard]] const std::vector<double>& binMetres() const { return binMetres_; }
  /// Of the polygons that were followed; empty when the run has no segments.
  [[nodiscard]] const std::vector<PolygonCoast>& followedCoasts() const { return followedCoasts_; }
  /// What kind of shore each polygon of the file has; land where nothing else was seen.
  [[nodiscard]] std::vector<Shore> shoresOfPolygons(std::uint64_t polygons) const;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& totals_& borderEdges_& borderMetres_& bins_& binMetres_& polygons_& polygonShores_&
        followedCoasts_;
  }

 private:
  void addToBin(std::uint32_t bin, double metres);

  std::array<ShoreTotal, kShores> totals_{};
  std::uint64_t borderEdges_ = 0;
  double borderMetres_ = 0;
  std::vector<std::uint32_t> bins_;
  std::vector<double> binMetres_;
  std::vector<std::uint32_t> polygons_;  // of segments of other than land
  std::vector<std::uint8_t> polygonShores_;
  std::vector<PolygonCoast> followedCoasts_;
};

}  // namespace shoreline
