#pragma once

#include "procession/detail/process/task.hpp"

namespace procession::detail {

/// The life of a child: runs the task, sends what came of it over `channel`, ends with 0, or 1 when
/// the callback threw. Never returns, and runs no exit handler and no destructor of a static object
/// of the parent's, even when the callback calls exit or quick_exit.
[[noreturn]] void runChildBody(Task& task, int channel) noexcept;

}  // namespace procession::detail
