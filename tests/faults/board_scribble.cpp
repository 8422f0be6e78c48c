#include "faults/board_scribble.hpp"

#include <cstddef>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>

#include "backend/arena.hpp"

namespace procession::test {

namespace {

constexpr std::size_t kBoardBytes = 4096;
constexpr std::size_t kArenaBytes =
    kBoardBytes + 2 * detail::WorkerArena::kSlots * detail::WorkerArena::kSlotBytes;

struct Found {
  std::byte* begin = nullptr;
  int mappings = 0;
};

/// This worker's own arena, found as a stray pointer would find it: in the memory map. One that the
/// program forked itself has inherited those of its siblings, too; its own it has mapped again.
std::span<std::byte> ownArena() {
  std::map<std::string, Found> arenas;  // by inode
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string access;
    std::string offset;
    std::string device;
    std::string inode;
    std::string name;
    fields >> std::hex >> begin >> dash >> end >> access >> offset >> device >> inode >> name;
    if (name == "/memfd:procession" && end - begin == kArenaBytes) {
      Found& found = arenas[inode];
      found.begin = reinterpret_cast<std::byte*>(begin);  // NOLINT: an address is what a map tells
      ++found.mappings;
    }
  }
  Found own;
  for (const auto& [inode, found] : arenas) {
    if (found.mappings > own.mappings) {
      own = found;
    }
  }
  if (own.begin == nullptr) {
    throw std::logic_error("this worker has no arena");
  }
  return {own.begin, kArenaBytes};
}

void scribble(std::span<std::byte> memory, std::mt19937_64& random) {
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= memory.size();
       at += sizeof(std::uint64_t)) {
    // Numbers of all sizes, bits all set, and none at all: what stray writes leave.
    const std::uint64_t kind = random() % 5;
    const std::uint64_t word = kind == 0   ? random()
                               : kind == 1 ? 1'000'000 + random() % 1'000'000
                               : kind == 2 ? ~std::uint64_t{0}
                               : kind == 3 ? 0
                                           : 0xA5A5'A5A5'A5A5'A5A5;
    std::memcpy(memory.data() + at, &word, sizeof word);
  }
}

}  // namespace

void scribbleOverBoard(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  scribble(ownArena().first(256), random);
}

void scribbleOverSlots(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::span<std::byte> slots = ownArena().subspan(kBoardBytes);
  for (std::size_t slot = 0; slot < 2 * detail::WorkerArena::kSlots; ++slot) {
    scribble(slots.subspan(slot * detail::WorkerArena::kSlotBytes, 64 * 1024), random);
  }
}

}  // namespace procession::test
