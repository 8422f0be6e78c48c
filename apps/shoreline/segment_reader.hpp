#pragma once

#include <procession/hdf5.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "shoreline/gshhg.hpp"

namespace shoreline {

/// A run of shoreline within a bin, with its points where they were read.
struct Segment {
  std::uint32_t bin = 0;
  std::uint32_t polygon = 0;
  SegmentInfo info{};
  std::span<const std::int16_t> x;  // see kBinUnits; valid until the next segment is read
  std::span<const std::int16_t> y;
};

/// Reads segments, cheaply when they are asked for one after the other: the points of many come
/// with one read.
class SegmentReader {
 public:
  /// Throws Hdf5Error, FormatError.
  explicit SegmentReader(const Layout& layout);

  [[nodiscard]] const Layout& layout() const { return layout_; }
  /// Throws Hdf5Error when it cannot be read, FormatError when it points out of the file.
  Segment read(std::uint64_t index);

  /// This process's reader of the file, opened at the first use and kept, so that a worker opens
  /// the file once. In the parent only the serial backend gets here.
  static SegmentReader& ofProcess(const Layout& layout);
  /// Closes what ofProcess() keeps.
  static void closeOfProcess();

 private:
  std::uint32_t binOf(std::uint64_t segment);

  Layout layout_;
  std::vector<std::uint32_t> firstSegments_;  // of each bin
  std::uint32_t bin_ = 0;                     // of the segment read last
  procession::hdf5::DatasetReader<std::uint32_t> infos_;
  procession::hdf5::DatasetReader<std::uint32_t> firstPoints_;
  procession::hdf5::DatasetReader<std::uint32_t> polygons_;
  procession::hdf5::DatasetReader<std::int16_t> x_;
  procession::hdf5::DatasetReader<std::int16_t> y_;
};

}  // namespace shoreline
