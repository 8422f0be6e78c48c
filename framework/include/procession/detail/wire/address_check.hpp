#pragma once

#include <string>

#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// Compares the aligned words of a closure with this process's mapped memory: loaded objects,
/// stacks, heap. A hit means that the closure captured a pointer, which would dangle in another
/// process: throws PortabilityError that names the offset and the ways out. `type`: the closure's
/// name for the message.
///
/// The check knows words, not types: an integer that happens to equal a mapped address is refused
/// too (asBytes vouches).
void checkHoldsNoAddress(ByteView closure, const std::string& type);

}  // namespace procession::detail
