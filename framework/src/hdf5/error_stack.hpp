#pragma once

#include <hdf5.h>

#include <string>

namespace procession::detail {

/// Keeps HDF5 from printing its errors while it lives; then things are as they were. For the
/// calling thread. Around every call into HDF5: what went wrong is thrown, not printed.
class QuietErrors {
 public:
  QuietErrors();
  ~QuietErrors();
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

/// Why the last call into HDF5 failed.
struct Hdf5Failure {
  std::string reason;  // the description closest to the cause; of a failed system call the system's
                       // text alone
  int errorNumber = 0;  // of a failed system call
  bool atLock = false;  // it was the file's lock that could not be had

  /// From HDF5's error stack.
  static Hdf5Failure last();
};

/// `what: reason`, as an Hdf5Error.
[[noreturn]] void throwHdf5Error(const std::string& what, const std::string& reason);

/// Passes on what an HDF5 call returned; throws Hdf5Error with the stack's reason when it is
/// negative.
template <class Result>
Result checked(Result result, const std::string& what) {
  if (result < 0) {
    throwHdf5Error(what, Hdf5Failure::last().reason);
  }
  return result;
}

}  // namespace procession::detail
