#include "shoreline/gshhg.hpp"

#include <procession/hdf5.hpp>

#include "shoreline/format_error.hpp"

namespace shoreline {

namespace {

using procession::hdf5::Dataset;

std::uint64_t readCount(const std::string& file, const char* path) {
  const Dataset<std::int64_t> dataset(file, path);
  if (dataset.size() != 1) {
    throw FormatError(file, std::string(path) + " is not one number");
  }
  const std::int64_t count = dataset.readAll().front();
  if (count < 0 || count > 0x7fffffff) {
    throw FormatError(file, std::string(path) + " is " + std::to_string(count));
  }
  return static_cast<std::uint64_t>(count);
}

void requireSize(const std::string& file, const char* path, std::uint64_t size) {
  const Dataset<double> dataset(file, path);
  if (dataset.size() != size) {
    throw FormatError(file, std::string(path) + " has " + std::to_string(dataset.size()) +
                                " elements, not " + std::to_string(size));
  }
}

}  // namespace

const char* nameOf(Shore shore) {
  switch (shore) {
    case Shore::Land:
      return "land";
    case Shore::Lake:
      return "lake";
    case Shore::IslandInLake:
      return "island in lake";
    case Shore::Pond:
      return "pond";
    case Shore::GroundingLine:
      return "grounding line";
  }
  return "unknown";
}

Layout Layout::read(const std::string& file) {
  Layout layout;
  layout.file = file;
  const std::uint64_t minutes = readCount(file, dataset::kBinMinutes);
  layout.binDegrees = static_cast<double>(minutes) / 60;
  layout.binColumns = static_cast<std::uint32_t>(readCount(file, dataset::kBinColumns));
  layout.binRows = static_cast<std::uint32_t>(readCount(file, dataset::kBinRows));
  if (layout.binColumns * minutes != 360 * 60 || layout.binRows * minutes != 180 * 60) {
    throw FormatError(file, "its bins do not cover the world");
  }
  if (readCount(file, dataset::kBins) != layout.bins()) {
    throw FormatError(file, "it does not have all of its bins");
  }
  layout.segments = readCount(file, dataset::kSegments);
  layout.points = readCount(file, dataset::kPoints);
  layout.polygons = readCount(file, dataset::kPolygons);
  requireSize(file, dataset::kFirstSegments, layout.bins());
  for (const char* path :
       {dataset::kSegmentInfo, dataset::kFirstPoints, dataset::kSegmentPolygons}) {
    requireSize(file, path, layout.segments);
  }
  requireSize(file, dataset::kX, layout.points);
  requireSize(file, dataset::kY, layout.points);
  requireSize(file, dataset::kAreas, layout.polygons);
  layout.version = procession::hdf5::readText(file, "/", "version").value_or("of unknown version");
  return layout;
}

}  // namespace shoreline
