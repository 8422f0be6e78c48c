#pragma once

#include <exception>

#include "procession/detail/wire/payload.hpp"
#include "procession/process_status.hpp"

namespace procession::detail {

/// An error on its way from an agent to the parent, which throws it as if it had happened there:
/// TaskError, WorkerLost, TaskTimeout, Interrupted, SystemError, PortabilityError and PayloadError
/// keep their type and all they know; anything else becomes a TaskError that tells its type and
/// message.
void encodeError(PayloadWriter& writer, const std::exception_ptr& error);
/// How a process ended, as waitid(2) has it in si_code; 0 for one that has not.
int waitidCode(const ProcessStatus& status);

/// Throws PayloadError when the bytes are none.
std::exception_ptr decodeError(PayloadReader& reader);

}  // namespace procession::detail
