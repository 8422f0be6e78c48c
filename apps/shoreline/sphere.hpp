#pragma once

#include <cmath>
#include <numbers>

namespace shoreline {

// WGS 84 (NIMA TR8350.2, third edition, table 3.1).
inline constexpr double kEquatorialRadius = 6378137.0;  // m
inline constexpr double kFlattening = 1 / 298.257223563;

/// The sphere on which lengths are measured: the ellipsoid's mean radius R1 = (2a + b) / 3 (H.
/// Moritz, "Geodetic Reference System 1980", J. Geodesy 74, 2000), 6371008.8 m. Against the
/// ellipsoid a length is off by 0.6 % at most.
inline constexpr double kEarthRadius = kEquatorialRadius * (1 - kFlattening / 3);  // m

inline constexpr double kRadians = std::numbers::pi / 180;  // of a degree

/// Metres along the great circle between two points, by the haversine formula, which is exact for
/// small distances, too. From the differences of latitude and longitude in radians, and the cosines
/// of the latitudes.
inline double greatCircle(double latitudes, double longitudes, double cosine1, double cosine2) {
  const double a = std::sin(latitudes / 2);
  const double b = std::sin(longitudes / 2);
  return 2 * kEarthRadius * std::asin(std::sqrt(a * a + cosine1 * cosine2 * b * b));
}

}  // namespace shoreline
