#pragma once

#include <cstdint>

namespace procession::test {

/// In a worker: writes random words over the part of the memory it shares with its parent in which
/// it tells what it is at.
void scribbleOverBoard(std::uint64_t seed);
/// The same over the parts in which its items come and its results lie.
void scribbleOverSlots(std::uint64_t seed);

}  // namespace procession::test
