#include "pool/submission_kernel.hpp"

#include <cstring>

#include "procession/detail/pool/submission.hpp"
#include "procession/detail/pool/thrown_item.hpp"
#include "procession/detail/wire/throw_trace.hpp"

namespace procession::detail {

std::uint64_t SubmissionKernel::run(std::uint64_t first, std::uint64_t count, ByteView items,
                                    PayloadWriter& results, ItemProgress progress) {
  PayloadReader reader(items);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!progress.enter(first + i)) {
      return i;
    }
    const std::uint64_t length = reader.readWord();
    PayloadReader call({reader.take(length), length});
    const std::size_t start = results.size();
    results.claim(sizeof(SubmissionHeader));
    SubmissionHeader header;
    try {
      notingThrows([&] {
        auto* executor = resolveFunction<SubmissionExecutor>(decode<CodeAddress>(call));
        executor(call, results);
      });
    } catch (...) {
      header.failed = 1;
      results.truncate(start + sizeof header);
      encodeThrown(results, first + i);
    }
    header.length = results.size() - start - sizeof header;
    std::memcpy(results.data() + start, &header, sizeof header);
  }
  return count;
}

}  // namespace procession::detail
