#include "hdf5/error_stack.hpp"

#include <charconv>
#include <string_view>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

/// What follows `marker` in `text`; empty when it is not there.
std::string_view after(std::string_view text, std::string_view marker) {
  const auto found = text.find(marker);
  return found == std::string_view::npos ? std::string_view{} : text.substr(found + marker.size());
}

/// HDF5's file driver reports "unable to open file: name = '...', errno = 2, error message = 'No
/// such file or directory', flags = 0, o_flags = 0"; what a reader needs is in the middle.
void describe(std::string_view entry, Hdf5Failure& failure) {
  std::string_view message = after(entry, "error message = '");
  if (message.empty()) {
    failure.reason = entry;
    return;
  }
  failure.reason = message.substr(0, message.find('\''));
  const std::string_view number = after(entry, "errno = ");
  std::from_chars(number.data(), number.data() + number.size(), failure.errorNumber);
}

/// Called for one entry of the stack after the other, the one closest to the cause first.
herr_t readEntry(unsigned, const H5E_error2_t* entry, void* data) {
  auto& failure = *static_cast<Hdf5Failure*>(data);
  const std::string_view description = entry->desc == nullptr ? "" : entry->desc;
  if (failure.reason.empty()) {
    describe(description, failure);
  }
  failure.atLock |= description.starts_with("unable to lock");
  return 0;
}

}  // namespace

QuietErrors::QuietErrors() {
  H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

QuietErrors::~QuietErrors() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

Hdf5Failure Hdf5Failure::last() {
  Hdf5Failure failure;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, readEntry, &failure);
  if (failure.reason.empty()) {
    failure.reason = "HDF5 gives no reason";
  }
  return failure;
}

void throwHdf5Error(const std::string& what, const std::string& reason) {
  throw Hdf5Error(what + ": " + reason);
}

}  // namespace procession::detail
