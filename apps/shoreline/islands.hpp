#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shoreline/gshhg.hpp"
#include "shoreline/measure.hpp"

namespace shoreline {

/// Land in the sea larger than this is a continent: Australia has 7.6 million square kilometres,
/// Greenland 2.1.
inline constexpr double kSmallestContinent = 5e6;  // km^2

/// The coast of one polygon, summed up segment by segment.
struct PolygonCoast {
  double metres = 0;
  // The sum of unit vectors from the earth's centre to the segments, weighted by their lengths. It
  // points to the middle of the coast, across the date line, too.
  double x = 0;
  double y = 0;
  double z = 0;

  void add(const Measure& measure);
  void append(const PolygonCoast& next);
  [[nodiscard]] double longitude() const;  // degrees, -180 to 180
  [[nodiscard]] double latitude() const;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& metres& x& y& z;
  }
};

struct Island {
  std::uint32_t polygon = 0;
  double area = 0;       // km^2
  PolygonCoast coast{};  // without the shores of its lakes
  std::string name{};    // empty where it has none here
};

/// The `count` polygons that are the largest of those no larger than an island may be, in ascending
/// order of their numbers. Lakes are among them: what is land comes out when the segments are read.
/// `areas`: km^2.
std::vector<std::uint32_t> findLargePolygons(const std::vector<double>& areas, std::size_t count);

/// The `count` largest islands among the polygons, the largest first. `coasts` and `shores` belong
/// to the polygons in their order, `areas` to all polygons of the file.
std::vector<Island> findLargestIslands(const std::vector<std::uint32_t>& polygons,
                                       const std::vector<double>& areas,
                                       const std::vector<Shore>& shores,
                                       const std::vector<PolygonCoast>& coasts, std::size_t count);

}  // namespace shoreline
