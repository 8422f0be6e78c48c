#pragma once

#include <procession/process_pool.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "shoreline/coast.hpp"
#include "shoreline/gshhg.hpp"
#include "shoreline/islands.hpp"

namespace shoreline {

/// The polygons of one kind of shore.
struct AreaTotal {
  std::uint64_t polygons = 0;
  double area = 0;  // km^2
};

struct BinShore {
  std::uint32_t bin = 0;
  double metres = 0;
};

/// How long a part of the work took, and by how many processes it was done.
struct Phase {
  std::string name;
  double seconds = 0;
  int processes = 1;
};

/// What is known of a shoreline file after it was measured. All but the timing depends on the file
/// alone.
struct Survey {
  Layout layout;
  std::array<ShoreTotal, kShores> shores{};
  std::array<AreaTotal, kShores> areas{};
  AreaTotal riverLakes;  // lakes that are wide parts of rivers; among the lakes, too
  std::uint64_t borderEdges = 0;
  double borderMetres = 0;
  std::uint64_t binsWithShore = 0;
  std::vector<BinShore> bins;   // those with the most shore, the most first
  std::vector<Island> islands;  // the largest, the largest first

  std::vector<Phase> phases;

  /// Sums over what counts as shore.
  [[nodiscard]] ShoreTotal totalShore() const;
  /// Points of all segments, as many as the file says it has.
  [[nodiscard]] std::uint64_t pointsRead() const;
};

inline constexpr std::size_t kBinsListed = 10;
inline constexpr std::size_t kIslandsListed = 12;

/// Segments a worker adds up before results are joined; a part of the result, whose last bits
/// depend on it.
inline constexpr std::size_t kSegmentsALeaf = 1024;

/// Measures a file with the pool's workers, each of which reads its own part of it. The result is
/// the same, bit by bit, for any number of workers; the pool's grain has to be kSegmentsALeaf for
/// that. Throws Hdf5Error and FormatError, or TaskError with one of these in it.
Survey survey(procession::ProcessPool& pool, const std::string& file);

/// The same work in this process, without a pool: what the pool is measured against.
Survey surveySerially(const std::string& file);

}  // namespace shoreline
