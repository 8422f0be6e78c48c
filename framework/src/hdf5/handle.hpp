#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

namespace procession::detail {

/// Owns one HDF5 identifier and closes it with `close`. Made by the functions of checked.hpp, which
/// throw instead of handing out an identifier that is none.
template <herr_t (*close)(hid_t)>
class Hdf5Handle {
 public:
  Hdf5Handle() = default;
  explicit Hdf5Handle(hid_t id) : id_(id) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Hdf5Handle& operator=(Hdf5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Hdf5Handle() {
    if (id_ >= 0) {
      close(id_);
    }
  }

  [[nodiscard]] hid_t get() const { return id_; }
  /// Gives the identifier away without closing it.
  [[nodiscard]] hid_t release() { return std::exchange(id_, H5I_INVALID_HID); }

 private:
  hid_t id_ = H5I_INVALID_HID;  // negative: holds none
};

using FileHandle = Hdf5Handle<H5Fclose>;
using ObjectHandle = Hdf5Handle<H5Oclose>;
using DatasetHandle = Hdf5Handle<H5Dclose>;
using SpaceHandle = Hdf5Handle<H5Sclose>;
using TypeHandle = Hdf5Handle<H5Tclose>;
using PropertiesHandle = Hdf5Handle<H5Pclose>;
using AttributeHandle = Hdf5Handle<H5Aclose>;

}  // namespace procession::detail
