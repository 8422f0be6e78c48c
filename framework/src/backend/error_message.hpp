#pragma once

#include <exception>

#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// An error on its way from an agent to the parent, which throws it as if it had happened there:
/// TaskError, WorkerLost, TaskTimeout, SystemError, PortabilityError and PayloadError keep their
/// type and all they know; anything else becomes a TaskError that tells its type and message.
void encodeError(PayloadWriter& writer, const std::exception_ptr& error);
/// Throws PayloadError when the bytes are none.
std::exception_ptr decodeError(PayloadReader& reader);

}  // namespace procession::detail
