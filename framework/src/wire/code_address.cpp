#include "procession/detail/wire/code_address.hpp"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <string>
#include <vector>

#include "procession/error.hpp"
#include "system/fork.hpp"

namespace procession::detail {

namespace {

/// An executable part of a loaded object.
struct Segment {
  std::string object;  // path; empty for the program itself
  std::uintptr_t base = 0;
  std::uint64_t begin = 0;  // offsets from base of the executable range
  std::uint64_t end = 0;
};

/// Guarded by ForkPause: pools may work in several threads, and a lock that a fork leaves locked in
/// the child would be its end.
std::vector<Segment>& table() {
  static std::vector<Segment> segments;
  return segments;
}

int appendSegments(dl_phdr_info* info, std::size_t, void* data) {
  auto& segments = *static_cast<std::vector<Segment>*>(data);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0) {
      segments.push_back(
          {info->dlpi_name, info->dlpi_addr, header.p_vaddr, header.p_vaddr + header.p_memsz});
    }
  }
  return 0;
}

std::string nameOfObject(const void* address) {
  Dl_info info{};
  if (dladdr(address, &info) != 0 && info.dli_fname != nullptr) {
    return info.dli_fname;
  }
  return "memory that belongs to no loaded object";
}

}  // namespace

void refreshSegmentTable() {
  const ForkPause lock;
  std::vector<Segment> loaded;
  dl_iterate_phdr(appendSegments, &loaded);
  for (Segment& segment : loaded) {
    const bool known = std::any_of(table().begin(), table().end(), [&](const Segment& other) {
      return other.base == segment.base && other.begin == segment.begin &&
             other.object == segment.object;
    });
    if (!known) {
      table().push_back(std::move(segment));
    }
  }
}

CodeAddress locateCode(const void* function) {
  const ForkPause lock;
  if (table().empty()) {
    refreshSegmentTable();
  }
  const auto address = reinterpret_cast<std::uintptr_t>(function);
  for (std::size_t i = 0; i < table().size(); ++i) {
    const Segment& segment = table()[i];
    if (address >= segment.base + segment.begin && address < segment.base + segment.end) {
      return {i, address - segment.base};
    }
  }
  throw PortabilityError(
      "the callback lives in " + nameOfObject(function) +
      ", which was loaded after the workers' start, so they do not have it. Load it before "
      "Application::run, or use localOnly(callback)");
}

const void* resolveCode(CodeAddress address) {
  const ForkPause lock;
  if (table().empty()) {
    refreshSegmentTable();
  }
  if (address.segment < table().size()) {
    const Segment& segment = table()[address.segment];
    if (address.offset >= segment.begin && address.offset < segment.end) {
      return reinterpret_cast<const void*>(segment.base + address.offset);
    }
  }
  throw PayloadError("malformed payload: no code at offset " + std::to_string(address.offset) +
                     " of loaded object " + std::to_string(address.segment));
}

}  // namespace procession::detail
