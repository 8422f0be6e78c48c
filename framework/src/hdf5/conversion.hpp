#pragma once

#include <memory>
#include <string>

#include "hdf5/handle.hpp"
#include "procession/detail/hdf5/number.hpp"

namespace procession::detail {

/// Reading with HDF5's conversion of types, but without its silent clipping: a value that the type
/// asked for cannot hold is an error. Fractions and last digits are dropped, infinities and NaNs
/// stay what they are in floating-point types.
class Conversion {
 public:
  /// From the dataset's type to `target`. Throws Hdf5Error that begins with `what`.
  Conversion(const TypeHandle& source, Number target, const std::string& what);
  Conversion(Conversion&&) noexcept;
  ~Conversion();

  /// H5Dread. Throws Hdf5Error that begins with `what`.
  void read(const DatasetHandle& dataset, const SpaceHandle& memory, const SpaceHandle& file,
            void* values, const std::string& what) const;

 private:
  struct Judge;

  std::unique_ptr<Judge> judge_;  // HDF5 knows its address
  PropertiesHandle transfer_;
};

}  // namespace procession::detail
