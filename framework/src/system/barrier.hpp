#pragma once

namespace procession::detail {

// Memory barriers at somebody else's expense: one process executes loads and stores as they stand
// in its program, without any instruction to keep their order; another, which needs that order now
// and then, has a barrier executed in the first. See membarrier(2),
// MEMBARRIER_CMD_GLOBAL_EXPEDITED.

/// This process will have barriers executed that others ask for.
void admitBarriers() noexcept;

/// A full barrier here and in all processes that admit them. False where the system does not offer
/// it.
[[nodiscard]] bool haveBarriersExecuted() noexcept;

}  // namespace procession::detail
