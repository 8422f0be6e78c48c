#pragma once

#include <cstddef>
#include <cstdint>

#include "procession/detail/backend/kernel.hpp"
#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

// On the way to a worker each call stands behind its length; on the way back each result, or the
// error in its place, behind a header.

struct SubmissionHeader {
  std::uint64_t length = 0;  // bytes
  std::uint64_t failed = 0;  // 1: an error
};

/// The worker's half of ProcessPool::submit: items are calls. One that throws takes no other with
/// it.
class SubmissionKernel final : public Kernel {
 public:
  explicit SubmissionKernel(PayloadReader&) {}

  std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView items,
                    PayloadWriter& results, ItemProgress progress) override;
};

}  // namespace procession::detail
