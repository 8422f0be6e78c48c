#include "shoreline/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <ostream>

namespace shoreline {

namespace {

/// One row: the name to the left, the rest to the right.
void printRow(std::ostream& stream, const std::string& name, const std::string& segments,
              const std::string& points, const std::string& length, const std::string& polygons,
              const std::string& area) {
  stream << "  " << std::left << std::setw(17) << name << std::right << std::setw(10) << segments
         << std::setw(13) << points << std::setw(15) << length << std::setw(11) << polygons
         << std::setw(16) << area << '\n';
}

void printShore(std::ostream& stream, const std::string& name, const ShoreTotal& shore,
                const AreaTotal& area) {
  printRow(stream, name, formatNumber(static_cast<double>(shore.segments)),
           formatNumber(static_cast<double>(shore.points)), formatNumber(shore.metres / 1000, 1),
           formatNumber(static_cast<double>(area.polygons)), formatNumber(area.area));
}

void printShores(std::ostream& stream, const Survey& survey) {
  printRow(stream, "shore of", "segments", "points", "length, km", "polygons", "area, km^2");
  for (int shore = 0; shore < kCountedShores; ++shore) {
    printShore(stream, nameOf(static_cast<Shore>(shore)),
               survey.shores[static_cast<std::size_t>(shore)],
               survey.areas[static_cast<std::size_t>(shore)]);
  }
  const ShoreTotal all = survey.totalShore();
  printRow(stream, "all", formatNumber(static_cast<double>(all.segments)),
           formatNumber(static_cast<double>(all.points)), formatNumber(all.metres / 1000, 1), "",
           "");
  const auto ground = static_cast<std::size_t>(Shore::GroundingLine);
  printShore(stream, "not counted (1)", survey.shores[ground], survey.areas[ground]);
  stream << "\n  (1) the grounding line of Antarctica's ice; its shore is where the ice ends\n"
         << "  lakes include " << formatNumber(static_cast<double>(survey.riverLakes.polygons))
         << " wide parts of rivers, " << formatNumber(survey.riverLakes.area) << " km^2\n"
         << "  edges on borders of bins, left out: "
         << formatNumber(static_cast<double>(survey.borderEdges)) << ", "
         << formatNumber(survey.borderMetres / 1000, 1) << " km\n";
}

void printBins(std::ostream& stream, const Survey& survey) {
  const Layout& layout = survey.layout;
  stream << "\nBins with the most shore (of "
         << formatNumber(static_cast<double>(survey.binsWithShore)) << " with any)\n";
  for (std::size_t i = 0; i < survey.bins.size(); ++i) {
    const auto& [bin, metres] = survey.bins[i];
    stream << std::right << std::setw(4) << i + 1 << "  " << std::setw(6)
           << formatLatitude(layout.south(bin)) << " to " << std::setw(6)
           << formatLatitude(layout.south(bin) + layout.binDegrees) << ", " << std::setw(7)
           << formatLongitude(layout.west(bin)) << " to " << std::setw(7)
           << formatLongitude(layout.west(bin) + layout.binDegrees) << std::setw(14)
           << formatNumber(metres / 1000, 1) << " km\n";
  }
}

void printIslands(std::ostream& stream, const Survey& survey) {
  stream << "\nLargest islands" << std::setw(29) << "area, km^2" << std::setw(14) << "coast, km"
         << "   around\n";
  for (std::size_t i = 0; i < survey.islands.size(); ++i) {
    const Island& island = survey.islands[i];
    stream << std::right << std::setw(4) << i + 1 << "  " << std::left << std::setw(24)
           << (island.name.empty() ? "polygon " + std::to_string(island.polygon) : island.name)
           << std::right << std::setw(14) << formatNumber(island.area) << std::setw(14)
           << formatNumber(island.coast.metres / 1000, 1) << "   "
           << formatLatitude(std::round(island.coast.latitude())) << ", "
           << formatLongitude(std::round(island.coast.longitude())) << '\n';
  }
}

void printPhases(std::ostream& stream, const Survey& survey) {
  stream << "\nTime, s\n";
  double total = 0;
  for (const Phase& phase : survey.phases) {
    stream << "  " << std::left << std::setw(34) << phase.name << std::right << std::setw(8)
           << formatNumber(phase.seconds, 3) << "  by " << phase.processes
           << (phase.processes == 1 ? " process" : " workers") << '\n';
    total += phase.seconds;
  }
  stream << "  " << std::left << std::setw(34) << "all" << std::right << std::setw(8)
         << formatNumber(total, 3) << '\n';
}

/// Bins begin at whole minutes, most at whole degrees.
std::string formatDegrees(double degrees) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", std::abs(degrees));
  return text;
}

}  // namespace

void print(std::ostream& stream, const Survey& survey, bool withTimes) {
  const Layout& layout = survey.layout;
  stream << "The shorelines of GSHHG " << layout.version << " in " << layout.file << '\n'
         << formatNumber(static_cast<double>(survey.pointsRead())) << " points in "
         << formatNumber(static_cast<double>(layout.segments)) << " segments, in "
         << formatNumber(static_cast<double>(layout.bins())) << " bins of "
         << formatDegrees(layout.binDegrees) << " by " << formatDegrees(layout.binDegrees)
         << " degrees\n\n";
  printShores(stream, survey);
  printBins(stream, survey);
  printIslands(stream, survey);
  if (withTimes) {
    printPhases(stream, survey);
  }
}

std::string formatLongitude(double degrees) {
  const double wrapped = degrees > 180 ? degrees - 360 : degrees;
  if (wrapped == 0 || std::abs(wrapped) == 180) {
    return formatDegrees(wrapped);
  }
  return formatDegrees(wrapped) + (wrapped < 0 ? " W" : " E");
}

std::string formatLatitude(double degrees) {
  return degrees == 0 ? "0" : formatDegrees(degrees) + (degrees < 0 ? " S" : " N");
}

std::string formatNumber(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  std::string number = text;
  const std::size_t point = std::min(number.find('.'), number.size());
  for (std::size_t position = point; position > 3 + (value < 0 ? 1U : 0U);) {
    position -= 3;
    number.insert(position, 1, ',');
  }
  return number;
}

}  // namespace shoreline
