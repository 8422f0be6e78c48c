#include "hdf5/file.hpp"

#include <cerrno>

#include "hdf5/error_stack.hpp"

namespace procession::detail {

namespace {

/// The lock is held by a writer. All other failures of a lock mean that the file system (NFS,
/// Lustre and others mounted without locks, or read-only) does not support it.
bool isBeingWritten(const Hdf5Failure& failure) {
  return failure.atLock && (failure.errorNumber == EAGAIN || failure.errorNumber == EWOULDBLOCK);
}

std::string explain(const Hdf5Failure& failure) {
  if (isBeingWritten(failure)) {
    return "another program is writing to it (" + failure.reason + ")";
  }
  if (failure.reason == "file signature not found") {
    return "it is not an HDF5 file (" + failure.reason + ")";
  }
  return failure.reason;
}

/// Why there is nothing at `path`: the first part of it that is missing, or that has no parts.
std::string explainMissing(const FileHandle& file, const std::string& path,
                           const Hdf5Failure& failure) {
  std::string::size_type end = 0;
  while (end < path.size()) {
    end = path.find('/', path.find_first_not_of('/', end));
    const std::string part = path.substr(0, end);
    if (part.find_first_not_of('/') == std::string::npos) {
      break;
    }
    const htri_t exists = H5Lexists(file.get(), part.c_str(), H5P_DEFAULT);
    if (exists < 0) {
      // Named: GCC 12 warns, wrongly, of text put in front of a string that has no name.
      const std::string group = part.substr(0, part.find_last_of('/'));
      return "\"" + group + "\" is not a group";
    }
    if (exists == 0) {
      return "there is no \"" + part + "\"";
    }
  }
  return failure.reason;
}

}  // namespace

FileHandle openFile(const std::string& file) {
  const std::string what = "cannot read \"" + file + "\"";
  const PropertiesHandle access(checked(H5Pcreate(H5P_FILE_ACCESS), what));
  Hdf5Failure failure;
  for (const bool withLocks : {true, false}) {
    checked(H5Pset_file_locking(access.get(), withLocks, true), what);
    const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDONLY, access.get());
    if (opened >= 0) {
      return FileHandle(opened);
    }
    failure = Hdf5Failure::last();
    if (!failure.atLock || isBeingWritten(failure)) {
      break;
    }
  }
  throwHdf5Error(what, explain(failure));
}

ObjectHandle openObject(const FileHandle& handle, const std::string& file,
                        const std::string& path) {
  const hid_t object = H5Oopen(handle.get(), path.c_str(), H5P_DEFAULT);
  if (object < 0) {
    const Hdf5Failure failure = Hdf5Failure::last();
    throwHdf5Error("cannot open " + nameObject(file, path), explainMissing(handle, path, failure));
  }
  return ObjectHandle(object);
}

std::string nameObject(const std::string& file, const std::string& path) {
  return "\"" + path + "\" in \"" + file + "\"";
}

}  // namespace procession::detail
