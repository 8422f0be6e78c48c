#include "shoreline/segment_reader.hpp"

#include <algorithm>
#include <memory>

#include "shoreline/format_error.hpp"

namespace shoreline {

namespace {

std::unique_ptr<SegmentReader>& readerOfProcess() {
  static std::unique_ptr<SegmentReader> reader;
  return reader;
}

}  // namespace

SegmentReader::SegmentReader(const Layout& layout)
    : layout_(layout),
      firstSegments_(
          procession::hdf5::Dataset<std::uint32_t>(layout.file, dataset::kFirstSegments).readAll()),
      infos_(layout.file, dataset::kSegmentInfo),
      firstPoints_(layout.file, dataset::kFirstPoints),
      polygons_(layout.file, dataset::kSegmentPolygons),
      x_(layout.file, dataset::kX),
      y_(layout.file, dataset::kY) {
  if (firstSegments_.front() != 0 ||
      !std::is_sorted(firstSegments_.begin(), firstSegments_.end())) {
    throw FormatError(layout.file, "its segments are not in the order of the bins");
  }
}

Segment SegmentReader::read(std::uint64_t index) {
  Segment segment{
      binOf(index), *polygons_.read(index, 1), SegmentInfo::unpack(*infos_.read(index, 1)), {}, {}};
  const std::uint64_t firstPoint = *firstPoints_.read(index, 1);
  if (!segment.info.hasShore() || segment.polygon >= layout_.polygons ||
      firstPoint > layout_.points || segment.info.points > layout_.points - firstPoint) {
    throw FormatError(layout_.file, "segment " + std::to_string(index) + " is damaged");
  }
  segment.x = x_.readSpan(firstPoint, segment.info.points);
  segment.y = y_.readSpan(firstPoint, segment.info.points);
  return segment;
}

SegmentReader& SegmentReader::ofProcess(const Layout& layout) {
  auto& reader = readerOfProcess();
  if (!reader || reader->layout().file != layout.file) {
    reader.reset();
    reader = std::make_unique<SegmentReader>(layout);
  }
  return *reader;
}

void SegmentReader::closeOfProcess() { readerOfProcess().reset(); }

std::uint32_t SegmentReader::binOf(std::uint64_t segment) {
  // The next segment is mostly in the same bin; else bins are searched. Bins without segments begin
  // where the next begins.
  const auto isIn = [&](std::uint32_t bin) {
    return firstSegments_[bin] <= segment &&
           (bin + 1 == layout_.bins() || segment < firstSegments_[bin + 1]);
  };
  if (!isIn(bin_)) {
    const auto next = std::upper_bound(firstSegments_.begin(), firstSegments_.end(), segment);
    bin_ = static_cast<std::uint32_t>(next - firstSegments_.begin()) - 1;
  }
  return bin_;
}

}  // namespace shoreline
