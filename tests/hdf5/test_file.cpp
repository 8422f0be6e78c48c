#include "hdf5/test_file.hpp"

namespace procession::test {

namespace {

template <class Result>
Result ok(Result result) {
  if (result < 0) {
    throw std::runtime_error("the test cannot write its HDF5 file");
  }
  return result;
}

}  // namespace

TestFile::TestFile(const std::string& path)
    : file_(ok(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT))) {}

TestFile::~TestFile() { H5Fclose(file_); }

void TestFile::write(const std::string& path, const std::vector<hsize_t>& extent, hid_t memoryType,
                     const void* values, const Storage& storage) {
  const hid_t creation = ok(H5Pcreate(H5P_DATASET_CREATE));
  if (!storage.chunk.empty()) {
    ok(H5Pset_chunk(creation, static_cast<int>(storage.chunk.size()), storage.chunk.data()));
  }
  if (storage.shuffle) {
    ok(H5Pset_shuffle(creation));
  }
  if (storage.gzip != 0) {
    ok(H5Pset_deflate(creation, storage.gzip));
  }
  if (storage.checksum) {
    ok(H5Pset_fletcher32(creation));
  }
  const hid_t space = ok(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr));
  const hid_t type = storage.type < 0 ? memoryType : storage.type;
  const hid_t dataset =
      ok(H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  if (values != nullptr) {
    ok(H5Dwrite(dataset, memoryType, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  }
  H5Dclose(dataset);
  H5Sclose(space);
  H5Pclose(creation);
}

void TestFile::makeGroup(const std::string& path) {
  H5Gclose(ok(H5Gcreate2(file_, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)));
}

void TestFile::writeOther(const std::string& path, hid_t type) {
  write(path, {3}, type, nullptr, {});
}

void TestFile::writeNull(const std::string& path) {
  const hid_t space = ok(H5Screate(H5S_NULL));
  H5Dclose(ok(H5Dcreate2(file_, path.c_str(), H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT,
                         H5P_DEFAULT)));
  H5Sclose(space);
}

void TestFile::writeText(const std::string& path, const std::string& name, const std::string& text,
                         bool varying) {
  const hid_t type = ok(H5Tcopy(H5T_C_S1));
  ok(H5Tset_size(type, varying ? H5T_VARIABLE : text.size() + 3));
  if (!varying) {
    ok(H5Tset_strpad(type, H5T_STR_SPACEPAD));
  }
  const hid_t space = ok(H5Screate(H5S_SCALAR));
  const hid_t object = ok(H5Oopen(file_, path.c_str(), H5P_DEFAULT));
  const hid_t attribute =
      ok(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
  const std::string padded = text + "   ";
  const char* pointer = text.c_str();
  ok(H5Awrite(attribute, type, varying ? static_cast<const void*>(&pointer) : padded.data()));
  H5Aclose(attribute);
  H5Oclose(object);
  H5Sclose(space);
  H5Tclose(type);
}

}  // namespace procession::test
