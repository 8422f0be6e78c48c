#pragma once

#include <mpi.h>

#include <string>

#include "procession/error.hpp"

namespace procession::detail {

/// The one way in which results of MPI calls are looked at. Throws MpiError: what was tried, and
/// MPI's own words.
inline void checked(int code, const char* what) {
  if (code == MPI_SUCCESS) {
    return;
  }
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) {
    length = 0;
  }
  throw MpiError(std::string(what) + " failed: " +
                 (length > 0 ? std::string(text, static_cast<std::size_t>(length))
                             : "MPI error " + std::to_string(code)));
}

}  // namespace procession::detail
