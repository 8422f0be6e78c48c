#include "procession/hdf5/attribute.hpp"

#include <algorithm>
#include <string>

#include "hdf5/error_stack.hpp"
#include "hdf5/file.hpp"
#include "hdf5/handle.hpp"

namespace procession::hdf5 {

namespace {

using detail::AttributeHandle;
using detail::checked;
using detail::FileHandle;
using detail::nameObject;
using detail::ObjectHandle;
using detail::openFile;
using detail::openObject;
using detail::QuietErrors;
using detail::SpaceHandle;
using detail::throwHdf5Error;
using detail::TypeHandle;

void requireOneText(const AttributeHandle& attribute, const TypeHandle& type,
                    const std::string& what) {
  const SpaceHandle space(checked(H5Aget_space(attribute.get()), what));
  if (H5Tget_class(type.get()) != H5T_STRING || H5Sget_simple_extent_npoints(space.get()) != 1) {
    throwHdf5Error(what, "it is not one text");
  }
}

/// Text of varying length comes in memory that HDF5 allocated.
std::string readVarying(const AttributeHandle& attribute, const TypeHandle& type,
                        const std::string& what) {
  char* text = nullptr;
  checked(H5Aread(attribute.get(), type.get(), &text), what);
  std::string copy = text == nullptr ? "" : text;
  H5free_memory(text);
  return copy;
}

/// Text of fixed length is filled up with zeros or blanks, and need not end in a zero.
std::string readFixed(const AttributeHandle& attribute, const TypeHandle& type,
                      const std::string& what) {
  std::string text(H5Tget_size(type.get()), '\0');
  checked(H5Aread(attribute.get(), type.get(), text.data()), what);
  text.resize(std::min(text.find('\0'), text.size()));
  if (H5Tget_strpad(type.get()) == H5T_STR_SPACEPAD) {
    text.resize(text.find_last_not_of(' ') + 1);
  }
  return text;
}

}  // namespace

std::optional<std::string> readText(const std::string& file, const std::string& path,
                                    const std::string& name) {
  const QuietErrors quiet;
  const std::string what = "cannot read attribute \"" + name + "\" of " + nameObject(file, path);
  const FileHandle handle = openFile(file);
  const ObjectHandle object = openObject(handle, file, path);
  if (checked(H5Aexists(object.get(), name.c_str()), what) == 0) {
    return std::nullopt;
  }
  const AttributeHandle attribute(checked(H5Aopen(object.get(), name.c_str(), H5P_DEFAULT), what));
  const TypeHandle type(checked(H5Aget_type(attribute.get()), what));
  requireOneText(attribute, type, what);
  const bool isVarying = checked(H5Tis_variable_str(type.get()), what) > 0;
  return isVarying ? readVarying(attribute, type, what) : readFixed(attribute, type, what);
}

}  // namespace procession::hdf5
