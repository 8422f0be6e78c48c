#include "hdf5/conversion.hpp"

#include <cmath>
#include <cstring>
#include <string>

#include "hdf5/error_stack.hpp"
#include "hdf5/number_type.hpp"

namespace procession::detail {

namespace {

template <class Real>
bool isInfinite(const void* value) {
  Real real;
  std::memcpy(&real, value, sizeof real);
  return std::isinf(real);
}

/// HDF5 calls infinities out of range even where the target has them.
bool isInfinity(hid_t source, const void* value) {
  if (H5Tequal(source, H5T_NATIVE_DOUBLE) > 0) {
    return isInfinite<double>(value);
  }
  return H5Tequal(source, H5T_NATIVE_LDOUBLE) > 0 && isInfinite<long double>(value);
}

/// Asked by HDF5 about each value that does not fit. Must not throw: there are C frames above.
H5T_conv_ret_t judge(H5T_conv_except_t exception, hid_t source, hid_t target, void* value, void*,
                     void* data) {
  switch (exception) {
    case H5T_CONV_EXCEPT_TRUNCATE:   // the fraction is dropped
    case H5T_CONV_EXCEPT_PRECISION:  // the last digits are
      return H5T_CONV_UNHANDLED;
    default:
      break;
  }
  if (H5Tget_class(target) == H5T_FLOAT &&
      (exception == H5T_CONV_EXCEPT_PINF || exception == H5T_CONV_EXCEPT_NINF ||
       exception == H5T_CONV_EXCEPT_NAN || isInfinity(source, value))) {
    return H5T_CONV_UNHANDLED;
  }
  *static_cast<bool*>(data) = true;
  return H5T_CONV_ABORT;
}

}  // namespace

Conversion::Conversion(const std::string& what)
    : transfer_(checked(H5Pcreate(H5P_DATASET_XFER), what)),
      misfit_(std::make_unique<bool>(false)) {
  checked(H5Pset_type_conv_cb(transfer_.get(), judge, misfit_.get()), what);
}

void Conversion::read(const DatasetHandle& dataset, Number number, const SpaceHandle& memory,
                      const SpaceHandle& file, void* target, const std::string& what) const {
  *misfit_ = false;
  const herr_t status =
      H5Dread(dataset.get(), memoryType(number), memory.get(), file.get(), transfer_.get(), target);
  if (*misfit_) {
    throwHdf5Error(what, std::string("it holds values that do not fit ") + nameOf(number));
  }
  checked(status, what);
}

}  // namespace procession::detail
