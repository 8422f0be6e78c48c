#include "hdf5/number_type.hpp"

namespace procession::detail {

hid_t memoryType(Number number) {
  switch (number) {
    case Number::Int8:
      return H5T_NATIVE_INT8;
    case Number::Int16:
      return H5T_NATIVE_INT16;
    case Number::Int32:
      return H5T_NATIVE_INT32;
    case Number::Int64:
      return H5T_NATIVE_INT64;
    case Number::UInt8:
      return H5T_NATIVE_UINT8;
    case Number::UInt16:
      return H5T_NATIVE_UINT16;
    case Number::UInt32:
      return H5T_NATIVE_UINT32;
    case Number::UInt64:
      return H5T_NATIVE_UINT64;
    case Number::Float:
      return H5T_NATIVE_FLOAT;
    case Number::Double:
      return H5T_NATIVE_DOUBLE;
    case Number::LongDouble:
      return H5T_NATIVE_LDOUBLE;
  }
  return H5I_INVALID_HID;
}

const char* nameOf(Number number) {
  switch (number) {
    case Number::Int8:
      return "int8";
    case Number::Int16:
      return "int16";
    case Number::Int32:
      return "int32";
    case Number::Int64:
      return "int64";
    case Number::UInt8:
      return "uint8";
    case Number::UInt16:
      return "uint16";
    case Number::UInt32:
      return "uint32";
    case Number::UInt64:
      return "uint64";
    case Number::Float:
      return "float";
    case Number::Double:
      return "double";
    case Number::LongDouble:
      return "long double";
  }
  return "unknown";
}

const char* nameOf(H5T_class_t typeClass) {
  switch (typeClass) {
    case H5T_INTEGER:
      return "integers";
    case H5T_FLOAT:
      return "floating-point numbers";
    case H5T_TIME:
      return "times";
    case H5T_STRING:
      return "text";
    case H5T_BITFIELD:
      return "bit fields";
    case H5T_OPAQUE:
      return "opaque bytes";
    case H5T_COMPOUND:
      return "compounds";
    case H5T_REFERENCE:
      return "references";
    case H5T_ENUM:
      return "enumerators";
    case H5T_VLEN:
      return "sequences of varying length";
    case H5T_ARRAY:
      return "arrays";
    default:
      return "something unknown";
  }
}

}  // namespace procession::detail
