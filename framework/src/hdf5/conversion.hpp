#pragma once

#include <memory>

#include "hdf5/handle.hpp"
#include "procession/detail/hdf5/number.hpp"

namespace procession::detail {

/// Reading with HDF5's conversion of types, but without its silent clipping: a value that the type
/// asked for cannot hold is an error.
class Conversion {
 public:
  /// Throws Hdf5Error.
  explicit Conversion(const std::string& what);

  /// H5Dread. Throws Hdf5Error that begins with `what`.
  void read(const DatasetHandle& dataset, Number number, const SpaceHandle& memory,
            const SpaceHandle& file, void* target, const std::string& what) const;

 private:
  PropertiesHandle transfer_;
  std::unique_ptr<bool> misfit_;  // set by the callback; its address is known to HDF5
};

}  // namespace procession::detail
