#pragma once

#include <iosfwd>
#include <string>

#include "shoreline/survey.hpp"

namespace shoreline {

/// The report for readers. Without `withTimes` it is the same for every run on the same file.
void print(std::ostream& stream, const Survey& survey, bool withTimes = true);

/// The same as JSON; what depends on the run is under "run".
std::string toJson(const Survey& survey);

/// "60 N", "12.5 W": degrees east or north, positive or not.
std::string formatLongitude(double degrees);
std::string formatLatitude(double degrees);
/// "1,664,562": with separators, rounded to `decimals`.
std::string formatNumber(double value, int decimals = 0);

}  // namespace shoreline
