#include "procession/detail/wire/address_check.hpp"

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <optional>
#include <vector>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

// Small numbers and most bit patterns of doubles lie outside of what x86-64 and arm64 Linux map for
// programs.
constexpr std::uintptr_t kLowestMapped = std::uintptr_t{1} << 16;
constexpr std::uintptr_t kHighestMapped = std::uintptr_t{1} << 48;
// Below this only loaded objects and the heap count: sanitizers keep shadow memory there.
constexpr std::uintptr_t kLowestAnonymous = std::uintptr_t{1} << 32;
// No program's own mapping is this large; a sanitizer's shadow is.
constexpr std::uintptr_t kLargestMapping = std::uintptr_t{1} << 38;

bool mayBeAddress(std::uintptr_t word) { return word >= kLowestMapped && word < kHighestMapped; }

struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string name;  // path, "[heap]", "[stack]"; empty: anonymous
};

std::optional<Mapping> parseMapping(const std::string& line) {
  Mapping mapping;
  char permissions[5] = {};
  int nameAt = 0;
  if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %n", &mapping.begin,
                  &mapping.end, permissions, &nameAt) != 3) {
    return std::nullopt;
  }
  mapping.name = line.substr(static_cast<std::size_t>(nameAt));
  const bool readable = permissions[0] == 'r';
  const bool shadow = mapping.end - mapping.begin > kLargestMapping ||
                      (mapping.name.empty() && mapping.begin < kLowestAnonymous);
  if (!readable || shadow) {
    return std::nullopt;
  }
  return mapping;
}

std::optional<Mapping> findMapping(std::uintptr_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::optional<Mapping> mapping = parseMapping(line);
    if (mapping && address >= mapping->begin && address < mapping->end) {
      return mapping;
    }
  }
  return std::nullopt;
}

}  // namespace

void checkHoldsNoAddress(ByteView closure, const std::string& type) {
  for (std::size_t offset = 0; offset + sizeof(std::uintptr_t) <= closure.size();
       offset += sizeof(std::uintptr_t)) {
    std::uintptr_t word;
    std::memcpy(&word, closure.data() + offset, sizeof word);
    if (!mayBeAddress(word)) {
      continue;
    }
    if (const std::optional<Mapping> mapping = findMapping(word)) {
      const std::string where = mapping->name.empty() ? "anonymous memory" : mapping->name;
      throw PortabilityError("the callback captures an address: the word at offset " +
                             std::to_string(offset) + " of " + type + " points into " + where +
                             " of this process, which other processes do not share. Capture the "
                             "value instead of a pointer or `this`; "
                             "or pass it with bindFront(function, values...); or use "
                             "localOnly(callback); or, if the word is a number, "
                             "asBytes(callback)");
    }
  }
}

}  // namespace procession::detail
