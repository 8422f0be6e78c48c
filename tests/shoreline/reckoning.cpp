#include "shoreline/reckoning.hpp"

#include <hdf5.h>

#include <cmath>
#include <stdexcept>

namespace procession::test {

namespace {

class File {
 public:
  explicit File(const std::string& name) : id_(H5Fopen(name.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)) {
    if (id_ < 0) {
      throw std::runtime_error(name + " is missing: install the Debian package gmt-gshhg-low");
    }
  }
  ~File() { H5Fclose(id_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] std::vector<int> integers(const char* name) const {
    return read<int>(name, H5T_NATIVE_INT);
  }
  [[nodiscard]] std::vector<double> reals(const char* name) const {
    return read<double>(name, H5T_NATIVE_DOUBLE);
  }
  [[nodiscard]] int integer(const char* name) const { return integers(name).at(0); }

 private:
  template <class Number>
  [[nodiscard]] std::vector<Number> read(const char* name, hid_t type) const {
    const hid_t dataset = H5Dopen2(id_, name, H5P_DEFAULT);
    const hid_t space = H5Dget_space(dataset);
    std::vector<Number> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    const herr_t status = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Sclose(space);
    H5Dclose(dataset);
    if (status < 0) {
      throw std::runtime_error(std::string(name) + " cannot be read");
    }
    return values;
  }

  hid_t id_;
};

struct Vector {
  long double x;
  long double y;
  long double z;
};

constexpr long double kDegree = 3.14159265358979323846264338327950288L / 180;

Vector unitVector(long double longitude, long double latitude) {
  const long double across = std::cos(latitude * kDegree);
  return {across * std::cos(longitude * kDegree), across * std::sin(longitude * kDegree),
          std::sin(latitude * kDegree)};
}

/// On a sphere with WGS 84's mean radius, given as a number.
long double kilometresBetween(const Vector& a, const Vector& b) {
  const Vector cross{a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
  const long double sine = std::sqrt(cross.x * cross.x + cross.y * cross.y + cross.z * cross.z);
  const long double cosine = a.x * b.x + a.y * b.y + a.z * b.z;
  return 6371.0087714150598L * std::atan2(sine, cosine);
}

/// -1 is the last unit: numbers of 16 bits without a sign, stored as if they had one.
int unitsOf(int stored) { return (stored + 65536) % 65536; }

/// The stored 0 and -1 are the two sides of the bin.
bool isOnBorder(int first, int second) { return first == second && (first == 0 || first == -1); }

}  // namespace

Reckoning::Reckoning(const std::string& file) {
  const File source(file);
  const int columns = source.integer("N_bins_in_360_longitude_range");
  const int rows = source.integer("N_bins_in_180_degree_latitude_range");
  const auto firstSegment = source.integers("Id_of_first_segment_in_a_bin");
  const auto segmentCount = source.integers("N_segments_in_a_bin");
  const auto info = source.integers("Embedded_npts_levels_exit_entry_for_a_segment");
  const auto firstPoint = source.integers("Id_of_first_point_in_a_segment");
  const auto polygon = source.integers("Id_of_GSHHS_ID");
  const auto dx = source.integers("Relative_longitude_from_SW_corner_of_bin");
  const auto dy = source.integers("Relative_latitude_from_SW_corner_of_bin");
  const auto area = source.reals("The_km_squared_area_of_polygons");
  const long double size = 360.0L / columns;
  std::map<int, int> levelOfPolygon;

  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const auto bin = static_cast<std::size_t>(row * columns + column);
      long double inBin = 0;
      for (int inThis = 0; inThis < segmentCount[bin]; ++inThis) {
        const auto segment = static_cast<std::size_t>(firstSegment[bin] + inThis);
        const int level = info[segment] / 64 % 8;
        const int points = info[segment] / 512;
        const auto place = [&](std::size_t point) {
          return unitVector(size * column + size * unitsOf(dx[point]) / 65535,
                            90 - size * (row + 1) + size * unitsOf(dy[point]) / 65535);
        };
        long double length = 0;
        Vector from{};
        for (int i = 0; i < points; ++i) {
          const auto point = static_cast<std::size_t>(firstPoint[segment] + i);
          const Vector to = place(point);
          if (i > 0 && !isOnBorder(dx[point - 1], dx[point]) &&
              !isOnBorder(dy[point - 1], dy[point])) {
            length += kilometresBetween(from, to);
          }
          from = to;
        }
        Level& total = levels[level];
        ++total.segments;
        total.points += static_cast<std::uint64_t>(points);
        total.kilometres += length;
        inBin += level == 6 ? 0 : length;
        coasts[polygon[segment]] += length;
        levelOfPolygon[polygon[segment]] = level;
      }
      binKilometres.push_back(inBin);
    }
  }
  for (const auto& [number, level] : levelOfPolygon) {
    const double signedArea = area[static_cast<std::size_t>(number)];
    ++levels[level].polygons;
    levels[level].area += std::fabs(signedArea);
    riverLakes += signedArea < 0 ? 1 : 0;
  }
}

}  // namespace procession::test
