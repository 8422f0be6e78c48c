#include "procession/detail/wire/code_address.hpp"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "procession/error.hpp"
#include "system/fork.hpp"

namespace procession::detail {

namespace {

/// An executable part of a loaded object.
struct Segment {
  std::string object;   // path; empty for the program itself
  std::string buildId;  // in hexadecimal; empty where the object was linked without
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

/// The NT_GNU_BUILD_ID note of an object.
std::string buildIdOf(const dl_phdr_info& info) {
  const auto align = [](std::size_t size) { return (size + 3) / 4 * 4; };
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info.dlpi_phdr[i];
    if (header.p_type != PT_NOTE) {
      continue;
    }
    const auto* note = reinterpret_cast<const char*>(info.dlpi_addr + header.p_vaddr);
    const char* end = note + header.p_memsz;
    while (note + sizeof(ElfW(Nhdr)) <= end) {
      const auto& start = *reinterpret_cast<const ElfW(Nhdr)*>(note);
      const char* name = note + sizeof start;
      const char* bytes = name + align(start.n_namesz);
      if (start.n_type == NT_GNU_BUILD_ID && std::string_view(name, 3) == "GNU") {
        std::string text;
        for (std::size_t k = 0; k < start.n_descsz; ++k) {
          constexpr char kDigits[] = "0123456789abcdef";
          const auto byte = static_cast<unsigned char>(bytes[k]);
          text += {kDigits[byte / 16], kDigits[byte % 16]};
        }
        return text;
      }
      note = bytes + align(start.n_descsz);
    }
  }
  return "";
}

int appendSegments(dl_phdr_info* info, std::size_t, void* data) {
  auto& segments = *static_cast<std::vector<Segment>*>(data);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type == PT_LOAD && (header.p_flags & PF_X) != 0) {
      segments.push_back({info->dlpi_name, buildIdOf(*info), info->dlpi_addr, header.p_vaddr,
                          header.p_vaddr + header.p_memsz});
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

std::vector<std::string> describeSegments() {
  const ForkPause lock;
  std::vector<std::string> lines;
  for (const Segment& segment : table()) {
    const std::string name = segment.object.substr(segment.object.rfind('/') + 1);
    if (name.find("vdso") != std::string::npos) {
      lines.emplace_back("the kernel's own object");  // it is as its kernel, and holds no callback
      continue;
    }
    lines.push_back((name.empty() ? "the program" : name) + ", code at " +
                    std::to_string(segment.begin) + " to " + std::to_string(segment.end) +
                    ", build-id " + (segment.buildId.empty() ? "none" : segment.buildId));
  }
  return lines;
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
