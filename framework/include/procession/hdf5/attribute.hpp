#pragma once

#include <optional>
#include <string>

namespace procession::hdf5 {

/// The text attribute `name` of the object at `path` ("/" is the file itself); empty when it has
/// none.
///
///     std::string version = hdf5::readText("map.nc", "/", "version").value_or("unknown");
///
/// Throws Hdf5Error when the file or the object cannot be opened, or the attribute is not one text.
[[nodiscard]] std::optional<std::string> readText(const std::string& file, const std::string& path,
                                                  const std::string& name);

}  // namespace procession::hdf5
