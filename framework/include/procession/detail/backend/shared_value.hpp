#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// Copies the bytes to memory that the workers of every node will have, and returns the id by which
/// they find it. An id is never used again, and never resembles an address. Throws SystemError.
[[nodiscard]] std::uint64_t shareBytes(ByteView bytes);
/// The same for `count` elements of `size` bytes, zeros until `fill` writes to them.
[[nodiscard]] std::uint64_t shareFilled(std::size_t count, std::size_t size,
                                        const std::function<void(std::byte*)>& fill);
/// The bytes in this process, at the beginning of a page; they hold until the value is released.
/// Throws std::logic_error when there is no such value, SystemError when it could not be mapped
/// here.
[[nodiscard]] ByteView findShared(std::uint64_t id);
/// In this process at once; workers let go of it before their next operation.
void releaseShared(std::uint64_t id) noexcept;

}  // namespace procession::detail
