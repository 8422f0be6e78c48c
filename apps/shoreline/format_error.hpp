#pragma once

#include <stdexcept>
#include <string>

namespace shoreline {

/// An HDF5 file that is not what it should be: shorelines in GMT's format.
class FormatError : public std::runtime_error {
 public:
  FormatError(const std::string& file, const std::string& reason)
      : std::runtime_error("\"" + file + "\" is not a shoreline file of GMT: " + reason) {}
};

}  // namespace shoreline
