#pragma once

#include <cstdint>
#include <string>

namespace shoreline {

// The file format of GMT's shorelines (binned_GSHHS_?.nc, netCDF-4): the polygons of the GSHHG
// database, cut along the borders of bins. The bins cover the world in rows from the north pole
// down, each row from 0 degrees east on. A bin's segments follow each other in the segment arrays,
// a segment's points in the point arrays.

namespace dataset {
inline constexpr const char* kBinMinutes = "/Bin_size_in_minutes";
inline constexpr const char* kBinColumns = "/N_bins_in_360_longitude_range";
inline constexpr const char* kBinRows = "/N_bins_in_180_degree_latitude_range";
inline constexpr const char* kBins = "/N_bins_in_file";
inline constexpr const char* kSegments = "/N_segments_in_file";
inline constexpr const char* kPoints = "/N_points_in_file";
inline constexpr const char* kPolygons = "/N_polygons_in_file";
inline constexpr const char* kFirstSegments = "/Id_of_first_segment_in_a_bin";  // per bin
inline constexpr const char* kSegmentInfo =
    "/Embedded_npts_levels_exit_entry_for_a_segment";  // per segment, ...
inline constexpr const char* kFirstPoints = "/Id_of_first_point_in_a_segment";
inline constexpr const char* kSegmentPolygons = "/Id_of_GSHHS_ID";
inline constexpr const char* kX = "/Relative_longitude_from_SW_corner_of_bin";  // per point, ...
inline constexpr const char* kY = "/Relative_latitude_from_SW_corner_of_bin";
inline constexpr const char* kAreas =
    "/The_km_squared_area_of_polygons";  // per polygon; negative: a river-lake
}  // namespace dataset

/// What a line separates. Up to Pond the file's level less one.
enum class Shore : std::uint8_t {
  Land,          // land from the sea; around Antarctica, where its ice ends
  Lake,          // a lake from its land
  IslandInLake,  // an island from its lake
  Pond,          // a pond from its island in a lake
  GroundingLine  // Antarctica again: where its ice begins to float. An alternative to Land, never
                 // counted as shore
};
inline constexpr int kShores = 5;
inline constexpr int kCountedShores = 4;  // without the grounding line

const char* nameOf(Shore shore);

/// Coordinates of points count in 1/65535 of a bin's size from its south-west corner. They are
/// stored as signed numbers of 16 bits, whose bits are to be taken as unsigned.
inline constexpr int kBinUnits = 65535;

/// The sides of a bin, as segments name where they enter and leave.
enum class Side : std::uint8_t { South, East, North, West, None };

/// What is packed into a word for each segment.
struct SegmentInfo {
  std::uint32_t points = 0;
  int level = 0;  // 1 to 4; 6: the grounding line
  int entry = 0;  // side where it begins
  int exit = 0;   // and ends; both 4: a closed polygon within the bin

  static SegmentInfo unpack(std::uint32_t word) {
    return {word >> 9, static_cast<int>(word >> 6 & 7), static_cast<int>(word >> 3 & 7),
            static_cast<int>(word & 7)};
  }
  [[nodiscard]] bool hasShore() const { return (level >= 1 && level <= 4) || level == 6; }
  [[nodiscard]] Shore shore() const {
    return level == 6 ? Shore::GroundingLine : static_cast<Shore>(level - 1);
  }
};

/// The sizes of a file, checked against each other.
struct Layout {
  std::string file;
  std::string version;  // of the database
  double binDegrees = 0;
  std::uint32_t binColumns = 0;
  std::uint32_t binRows = 0;
  std::uint64_t segments = 0;
  std::uint64_t points = 0;
  std::uint64_t polygons = 0;

  /// Throws Hdf5Error when the file cannot be read, FormatError when it is none of these.
  static Layout read(const std::string& file);

  [[nodiscard]] std::uint32_t bins() const { return binColumns * binRows; }
  /// How it travels to workers.
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& file& version& binDegrees& binColumns& binRows& segments& points& polygons;
  }

  /// Degrees east and north of a bin's south-west corner.
  [[nodiscard]] double west(std::uint32_t bin) const { return binDegrees * (bin % binColumns); }
  [[nodiscard]] double south(std::uint32_t bin) const {
    return 90 - binDegrees * (bin / binColumns + 1);
  }
};

}  // namespace shoreline
