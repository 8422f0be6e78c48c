#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace procession::test {

/// The figures of a shoreline file, worked out in another way than the program does it, on purpose:
/// whole arrays, read by HDF5's own calls; loops over bins, then segments; angles between unit
/// vectors, in long double.
struct Reckoning {
  struct Level {
    std::uint64_t segments = 0;
    std::uint64_t points = 0;
    long double kilometres = 0;
    std::uint64_t polygons = 0;
    long double area = 0;  // km^2
  };

  std::map<int, Level> levels;             // 1 to 4, and 6: the grounding line
  std::vector<long double> binKilometres;  // of each bin, without level 6
  std::map<int, long double> coasts;       // km, of each polygon
  std::uint64_t riverLakes = 0;

  explicit Reckoning(const std::string& file);
};

}  // namespace procession::test
