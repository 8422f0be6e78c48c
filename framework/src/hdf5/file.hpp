#pragma once

#include <string>

#include "hdf5/handle.hpp"

namespace procession::detail {

// To be called with QuietErrors in place. What cannot be opened is an Hdf5Error.

/// Opens `file` for reading. On file systems without locks it is read without them.
FileHandle openFile(const std::string& file);

/// Opens the group, dataset or type at `path`; the error names the first part of the path that is
/// not there.
ObjectHandle openObject(const FileHandle& handle, const std::string& file, const std::string& path);

/// `"path" in "file"`, for messages.
std::string nameObject(const std::string& file, const std::string& path);

}  // namespace procession::detail
