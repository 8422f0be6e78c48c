#include "shoreline/measure.hpp"

#include <algorithm>
#include <cmath>

#include "shoreline/sphere.hpp"

namespace shoreline {

namespace {

struct Point {
  int x;
  int y;
};

Point pointAt(const Segment& segment, std::size_t index) {
  return {static_cast<std::uint16_t>(segment.x[index]),
          static_cast<std::uint16_t>(segment.y[index])};
}

/// Both ends lie on the same side of the bin.
bool isOnBorder(Point a, Point b) {
  const auto isEdge = [](int value) { return value == 0 || value == kBinUnits; };
  return (a.x == b.x && isEdge(a.x)) || (a.y == b.y && isEdge(a.y));
}

}  // namespace

Measure measure(const Layout& layout, const Segment& segment) {
  if (segment.info.points == 0) {
    return {};
  }
  const double unit = layout.binDegrees * kRadians / kBinUnits;
  const double south = layout.south(segment.bin) * kRadians;
  Measure result;
  Point from = pointAt(segment, 0);
  Point lowest = from;
  Point highest = from;
  double cosine = std::cos(south + from.y * unit);
  for (std::size_t i = 1; i < segment.x.size(); ++i) {
    const Point to = pointAt(segment, i);
    const double nextCosine = std::cos(south + to.y * unit);
    const double metres =
        greatCircle((to.y - from.y) * unit, (to.x - from.x) * unit, cosine, nextCosine);
    if (isOnBorder(from, to)) {
      ++result.borderEdges;
      result.borderMetres += metres;
    } else {
      result.metres += metres;
    }
    lowest = {std::min(lowest.x, to.x), std::min(lowest.y, to.y)};
    highest = {std::max(highest.x, to.x), std::max(highest.y, to.y)};
    from = to;
    cosine = nextCosine;
  }
  const double degrees = layout.binDegrees / kBinUnits / 2;
  result.longitude = layout.west(segment.bin) + (lowest.x + highest.x) * degrees;
  result.latitude = layout.south(segment.bin) + (lowest.y + highest.y) * degrees;
  return result;
}

}  // namespace shoreline
