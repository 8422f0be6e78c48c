#include "shoreline/islands.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <ranges>

#include "shoreline/sphere.hpp"

namespace shoreline {

namespace {

struct KnownIsland {
  const char* name;
  double longitude;  // degrees; about the middle of its coast
  double latitude;
};

constexpr KnownIsland kKnownIslands[] = {
    {"Greenland", -43, 71},
    {"New Guinea", 140, -6},
    {"Borneo", 114.5, 1.5},
    {"Madagascar", 47, -18},
    {"Baffin Island", -71, 67.5},
    {"Sumatra", 101, 0},
    {"Honshu", 137, 36.5},
    {"Victoria Island", -110, 71},
    {"Great Britain", -3, 54},
    {"Ellesmere Island", -80.5, 79.7},
    {"Sulawesi", 121.5, -2},
    {"South Island", 170.5, -44},
    {"Java", 110, -7.3},
    {"North Island", 176, -39},
    {"Luzon", 121.5, 15.5},
    {"Newfoundland", -56, 48.5},
    {"Cuba", -79, 22},
};

/// Resolutions differ by 200 km in where the middle of a coast is; large islands are farther apart.
constexpr double kSamePlace = 300e3;  // m

std::string nameAt(double longitude, double latitude) {
  const KnownIsland* nearest = nullptr;
  double distance = kSamePlace;
  for (const KnownIsland& island : kKnownIslands) {
    const double metres = greatCircle(
        (island.latitude - latitude) * kRadians, (island.longitude - longitude) * kRadians,
        std::cos(latitude * kRadians), std::cos(island.latitude * kRadians));
    if (metres < distance) {
      distance = metres;
      nearest = &island;
    }
  }
  return nearest == nullptr ? "" : nearest->name;
}

}  // namespace

void PolygonCoast::add(const Measure& measure) {
  const double longitude = measure.longitude * kRadians;
  const double latitude = measure.latitude * kRadians;
  metres += measure.metres;
  x += measure.metres * std::cos(latitude) * std::cos(longitude);
  y += measure.metres * std::cos(latitude) * std::sin(longitude);
  z += measure.metres * std::sin(latitude);
}

void PolygonCoast::append(const PolygonCoast& next) {
  metres += next.metres;
  x += next.x;
  y += next.y;
  z += next.z;
}

double PolygonCoast::longitude() const { return std::atan2(y, x) / kRadians; }

double PolygonCoast::latitude() const { return std::atan2(z, std::hypot(x, y)) / kRadians; }

std::vector<std::uint32_t> findLargePolygons(const std::vector<double>& areas, std::size_t count) {
  const auto isCandidate = [&](std::uint32_t polygon) {
    return areas[polygon] < kSmallestContinent;
  };
  const auto isLarger = [&](std::uint32_t a, std::uint32_t b) {
    return areas[a] != areas[b] ? areas[a] > areas[b] : a < b;
  };
  auto candidates = std::views::iota(std::uint32_t{0}, static_cast<std::uint32_t>(areas.size())) |
                    std::views::filter(isCandidate);
  std::vector<std::uint32_t> largest(count);
  largest.erase(std::ranges::partial_sort_copy(candidates, largest, isLarger).out, largest.end());
  std::ranges::sort(largest);
  return largest;
}

std::vector<Island> findLargestIslands(const std::vector<std::uint32_t>& polygons,
                                       const std::vector<double>& areas,
                                       const std::vector<Shore>& shores,
                                       const std::vector<PolygonCoast>& coasts, std::size_t count) {
  std::vector<Island> islands;
  for (std::size_t i = 0; i < polygons.size(); ++i) {
    if (shores[polygons[i]] == Shore::Land) {
      islands.push_back({polygons[i], areas[polygons[i]], coasts[i],
                         nameAt(coasts[i].longitude(), coasts[i].latitude())});
    }
  }
  std::ranges::stable_sort(islands, std::greater{}, &Island::area);
  islands.resize(std::min(count, islands.size()));
  return islands;
}

}  // namespace shoreline
