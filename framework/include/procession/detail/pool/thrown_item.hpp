#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

// What a callback threw as a part of the results, for kernels that go on with the next item.

/// In a catch block of a worker: the exception as the TaskError of `item`, with its trace.
void encodeThrown(PayloadWriter& results, std::uint64_t item);
/// Throws PayloadError.
[[nodiscard]] std::exception_ptr decodeThrown(PayloadReader& results);

/// Where it happened; empty where the error does not tell.
[[nodiscard]] std::string hostOfError(const std::exception_ptr& error);
/// Of this process.
void encodeHostName(PayloadWriter& results);

}  // namespace procession::detail
