#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace procession::detail {

/// The address of a function in a form that other processes of the same program understand: the
/// loaded object's place in the segment table and the offset inside that object. Never an absolute
/// address: those differ between ranks.
struct CodeAddress {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  friend bool operator==(const CodeAddress&, const CodeAddress&) = default;
};

/// Takes the table of loaded objects (dl_iterate_phdr), or appends those loaded since. Called
/// before workers are forked: they inherit the table, so both sides number alike.
void refreshSegmentTable();

/// One line for each object of the table, with its build-id: processes in which all of it is the
/// same understand each other's addresses.
std::vector<std::string> describeSegments();

/// Throws PortabilityError that names the object when it was loaded after the table was taken.
CodeAddress locateCode(const void* function);

/// Throws PayloadError when there is no such code.
const void* resolveCode(CodeAddress address);

template <class Function>
CodeAddress locateFunction(Function* function) {
  return locateCode(reinterpret_cast<const void*>(function));
}
template <class Function>
Function* resolveFunction(CodeAddress address) {
  return reinterpret_cast<Function*>(const_cast<void*>(resolveCode(address)));
}

}  // namespace procession::detail
