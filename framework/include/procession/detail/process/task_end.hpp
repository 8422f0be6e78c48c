#pragma once

#include <memory>
#include <typeinfo>

#include "procession/detail/wire/payload.hpp"
#include "procession/outcome.hpp"
#include "procession/process_status.hpp"

namespace procession::detail {

/// How a task ended: with the bytes of its result, or with an error.
struct TaskEnd {
  ProcessStatus status;                       // of the process of the last attempt
  std::shared_ptr<const HeapPayload> result;  // empty after a failure
  std::exception_ptr error;                   // an Error; empty after success
  const std::type_info* type = nullptr;       // of the result
  OutcomeDetails details;
};

/// Throws PayloadError when `wanted` is not what the task returns.
void requireType(const TaskEnd& end, const std::type_info& wanted);

}  // namespace procession::detail
