#pragma once

#include <hdf5.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace procession::test {

template <class Number>
hid_t nativeType();
template <>
inline hid_t nativeType<signed char>() {
  return H5T_NATIVE_INT8;
}
template <>
inline hid_t nativeType<short>() {
  return H5T_NATIVE_INT16;
}
template <>
inline hid_t nativeType<int>() {
  return H5T_NATIVE_INT32;
}
template <>
inline hid_t nativeType<long>() {
  return H5T_NATIVE_INT64;
}
template <>
inline hid_t nativeType<unsigned long>() {
  return H5T_NATIVE_UINT64;
}
template <>
inline hid_t nativeType<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
inline hid_t nativeType<double>() {
  return H5T_NATIVE_DOUBLE;
}

/// How a dataset is to be stored.
struct Storage {
  hid_t type = H5I_INVALID_HID;     // in the file; none: as in memory
  std::vector<hsize_t> chunk = {};  // none: contiguous
  unsigned gzip = 0;
  bool shuffle = false;
  bool checksum = false;
};

/// Writes HDF5 files through the C library, as any other program would. Throws when HDF5 refuses.
class TestFile {
 public:
  explicit TestFile(const std::string& path);
  ~TestFile();
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;

  template <class Number>
  void write(const std::string& path, const std::vector<hsize_t>& extent,
             const std::vector<Number>& values, const Storage& storage = {}) {
    write(path, extent, nativeType<Number>(), values.data(), storage);
  }
  /// `values` null: nothing is written, the file has its fill value.
  void write(const std::string& path, const std::vector<hsize_t>& extent, hid_t memoryType,
             const void* values, const Storage& storage);
  void makeGroup(const std::string& path);
  /// A dataset of something that is no number: HDF5's `type`, three elements, nothing written.
  void writeOther(const std::string& path, hid_t type);
  void writeNull(const std::string& path);
  void writeText(const std::string& path, const std::string& name, const std::string& text,
                 bool varying);

 private:
  hid_t file_;
};

/// 0, 1, 2, ...
template <class Number>
std::vector<Number> counting(std::size_t count) {
  std::vector<Number> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<Number>(i);
  }
  return values;
}

}  // namespace procession::test
