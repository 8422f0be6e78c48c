#pragma once

#include <cstddef>
#include <cstdint>

#include "procession/detail/backend/operation_shape.hpp"
#include "procession/detail/wire/code_address.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::detail {

/// What an operation's hand-out needs to know, at both levels. Plain bytes: agents get it as it is.
struct OperationPlan {
  OperationShape shape;
  std::uint64_t chunkSize = 0;  // the user's limit, in items; 0: adaptive
  int retries = 0;
  Time timeout{0};  // of an item; 0: none
  bool settles =
      false;  // an item that failed for good ends nothing: each item is settled by itself
  bool tellsAttempts = false;  // the operation wants to hear of each attempt that fails
  CodeAddress merger;          // MergerFactory, where shape.wholeNodes
};

}  // namespace procession::detail
