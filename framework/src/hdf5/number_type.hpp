#pragma once

#include <hdf5.h>

#include "procession/detail/hdf5/number.hpp"

namespace procession::detail {

/// HDF5's name of the type in memory. A fixed identifier; nobody closes it.
hid_t memoryType(Number number);

/// "int16", "double": for messages.
const char* nameOf(Number number);

/// "a compound", "text": what a type class is, for messages about datasets that hold no numbers.
const char* nameOf(H5T_class_t typeClass);

}  // namespace procession::detail
