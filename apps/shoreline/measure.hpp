#pragma once

#include <cstdint>

#include "shoreline/segment_reader.hpp"

namespace shoreline {

/// The length of a segment on the sphere, and where it is.
struct Measure {
  double metres = 0;
  double borderMetres = 0;        // of what was left out, because it runs along the bin's border
  std::uint32_t borderEdges = 0;  // how many edges were
  double longitude = 0;           // degrees; of the middle of its bounding box
  double latitude = 0;
};

/// Adds the great circles between a segment's points. Edges along a border of the bin are
/// artificial: there a polygon was cut. (GMT stores hardly any; a polygon that is cut is mostly two
/// open segments.)
Measure measure(const Layout& layout, const Segment& segment);

}  // namespace shoreline
