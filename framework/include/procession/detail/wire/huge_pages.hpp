#pragma once

#include <cstddef>

namespace procession::detail {

// From here on memory is worth asking for in huge pages: most of the cost of filling fresh memory
// is its page faults, and one of 2 MiB costs little more than one of 4 KiB.
inline constexpr std::size_t kHugePageWorthwhile = std::size_t{2} << 20;

/// Asks for huge pages for memory that was allocated but not touched yet. Advice: it changes speed,
/// nothing else.
void adviseHugePages(const void* memory, std::size_t bytes) noexcept;

}  // namespace procession::detail
