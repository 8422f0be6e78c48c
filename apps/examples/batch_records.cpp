// Records from a file are read, checked and converted, each stage on all cores.

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

// [readme:own types]
struct Reading {
  std::string station;
  double fahrenheit = 0;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {  // Boost.Serialization carries it between processes
    (archive & station) & fahrenheit;
  }
};
// [readme:end]

// "Reykjavik 41.2"; a line that is none becomes a reading without a station.
Reading parse(const std::string& line) {
  std::istringstream stream(line);
  Reading reading;
  if (!(stream >> reading.station >> reading.fahrenheit)) {
    return {};
  }
  return reading;
}

struct Limits {
  double coldest;
  double warmest;
};

bool isValid(Limits limits, const Reading& reading) {
  return !reading.station.empty() && reading.fahrenheit >= limits.coldest &&
         reading.fahrenheit <= limits.warmest;
}

std::string toCelsius(const Reading& reading) {
  std::ostringstream text;
  text << std::left << std::setw(10) << reading.station << std::right << std::fixed
       << std::setprecision(1) << std::setw(6) << (reading.fahrenheit - 32) / 1.8 << " C";
  return text.str();
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    const std::vector<std::string> lines{"Reykjavik 41.2", "Cairo 95.0",    "# a comment",
                                         "Oslo 999.9",     "Nairobi 77.0",  "Lima",
                                         "Vostok -103.0",  "Singapore 88.7"};
    // [readme:batch]
    const Limits limits{.coldest = -130, .warmest = 140};

    const auto readings = Process::map(lines, parse);
    const auto valid = Process::filter(readings, bindFront(isValid, limits));
    const auto report = Process::map(valid, toCelsius);
    // [readme:end]

    std::cout << valid.size() << " of " << lines.size() << " lines are readings\n";
    for (const std::string& line : report) {
      std::cout << line << "\n";
    }
  });
}
