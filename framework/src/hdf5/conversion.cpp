#include "hdf5/conversion.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "hdf5/error_stack.hpp"
#include "hdf5/number_type.hpp"

namespace procession::detail {

/// Is asked by HDF5 about each value that does not go over as it is, and lets pass what a C++ cast
/// would do.
struct Conversion::Judge {
  enum class Source { Integer, Float, Double, OtherReal };

  Source source;
  Number target;
  bool refused = false;

  /// Must not throw: there are C frames above it.
  static H5T_conv_ret_t ask(H5T_conv_except_t exception, hid_t sourceType, hid_t, void* value,
                            void*, void* data) {
    auto& judge = *static_cast<Judge*>(data);
    if (judge.accepts(exception, sourceType, value)) {
      return H5T_CONV_UNHANDLED;  // HDF5 then stores the nearest value, or the infinity
    }
    judge.refused = true;
    return H5T_CONV_ABORT;
  }

  [[nodiscard]] bool accepts(H5T_conv_except_t exception, hid_t sourceType,
                             const void* value) const {
    if (exception == H5T_CONV_EXCEPT_PRECISION) {
      return true;
    }
    if (source == Source::Integer) {
      return false;
    }
    // Only the conversions between native types report a NaN as a mere fraction.
    if (exception == H5T_CONV_EXCEPT_TRUNCATE && source == Source::OtherReal) {
      return true;
    }
    switch (source) {
      case Source::Float:
        return fits(load<float>(value));
      case Source::Double:
        return fits(load<double>(value));
      default:
        return H5Tget_size(sourceType) <= sizeof(double)
                   ? fits(convert<double>(H5T_NATIVE_DOUBLE, sourceType, value))
                   : fits(convert<long double>(H5T_NATIVE_LDOUBLE, sourceType, value));
    }
  }

  template <class Real>
  static Real load(const void* value) {
    Real real;
    std::memcpy(&real, value, sizeof real);
    return real;
  }

  template <class Real>
  static Real convert(hid_t real, hid_t sourceType, const void* value) {
    alignas(Real) std::array<std::byte, 64> buffer{};
    std::memcpy(buffer.data(), value, std::min(buffer.size(), H5Tget_size(sourceType)));
    H5Tconvert(sourceType, real, 1, buffer.data(), nullptr, H5P_DEFAULT);
    return load<Real>(buffer.data());
  }

  /// HDF5 calls infinities out of range, but floating-point types have them all.
  template <class Real>
  [[nodiscard]] bool fits(Real real) const {
    return isReal(target) ? !std::isfinite(real) : fitsInteger(std::trunc(real));
  }

  static bool isReal(Number number) { return number >= Number::Float; }

  /// HDF5 calls the smallest value of a signed type out of range; it is not.
  template <class Real>
  [[nodiscard]] bool fitsInteger(Real whole) const {
    const int bits = 8 * static_cast<int>(H5Tget_size(memoryType(target)));
    const bool isSigned = target <= Number::Int64;
    const Real limit = std::ldexp(Real{1}, isSigned ? bits - 1 : bits);
    return whole < limit && whole >= (isSigned ? -limit : Real{0});  // false for a NaN
  }

  static Source sourceOf(const TypeHandle& type) {
    if (H5Tget_class(type.get()) == H5T_INTEGER) {
      return Source::Integer;
    }
    if (H5Tequal(type.get(), H5T_NATIVE_FLOAT) > 0) {
      return Source::Float;
    }
    return H5Tequal(type.get(), H5T_NATIVE_DOUBLE) > 0 ? Source::Double : Source::OtherReal;
  }
};

Conversion::Conversion(const TypeHandle& source, Number target, const std::string& what)
    : judge_(std::make_unique<Judge>(Judge{Judge::sourceOf(source), target})),
      transfer_(checked(H5Pcreate(H5P_DATASET_XFER), what)) {
  checked(H5Pset_type_conv_cb(transfer_.get(), Judge::ask, judge_.get()), what);
}

Conversion::Conversion(Conversion&&) noexcept = default;

Conversion::~Conversion() = default;

void Conversion::read(const DatasetHandle& dataset, const SpaceHandle& memory,
                      const SpaceHandle& file, void* values, const std::string& what) const {
  judge_->refused = false;
  const herr_t status = H5Dread(dataset.get(), memoryType(judge_->target), memory.get(), file.get(),
                                transfer_.get(), values);
  if (judge_->refused) {
    throwHdf5Error(what, std::string("it holds values that do not fit ") + nameOf(judge_->target));
  }
  checked(status, what);
}

}  // namespace procession::detail
