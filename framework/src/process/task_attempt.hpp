#pragma once

#include <cstdint>
#include <optional>

#include "process/attempt.hpp"
#include "procession/detail/process/task.hpp"
#include "procession/detail/process/task_end.hpp"

namespace procession::detail {

/// Whether tasks run in this process: inside a worker, and on the serial backend. Throws Error in
/// one of several ranks.
bool runsInline();

/// What came of an attempt that has ended: status, result or error. `item` is for the error's
/// message.
TaskEnd concludeAttempt(const Attempt& attempt, std::optional<std::uint64_t> item);

/// Runs the task here, to the same effect, and through the same bytes.
TaskEnd runInline(Task& task, std::optional<std::uint64_t> item);

}  // namespace procession::detail
