#pragma once

#include <optional>
#include <string>

namespace shoreline {

/// What the command line asks for.
struct Options {
  std::string file;
  std::string json;  // empty: none
  int workers = 0;   // 0: as many as the pool takes by itself

  /// What there is to do, or the status to exit with at once: 0 after help was printed, 2 after a
  /// line on stderr about what is wrong.
  struct Parsed;
  static Parsed parse(int argc, char** argv);
};

struct Options::Parsed {
  std::optional<int> exitStatus;
  Options options{};
};

/// Where the data of a resolution is installed, and by which Debian package.
std::string fileOf(char resolution);
const char* packageOf(char resolution);

}  // namespace shoreline
