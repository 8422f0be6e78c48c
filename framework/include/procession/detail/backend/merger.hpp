#pragma once

#include <cstdint>
#include <memory>

#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// Combines the partials of a reduction on their way, in an agent: each of the parent's chunks is
/// one node of the reduction tree, and goes back as one partial, however many workers had a part.
class Merger {
 public:
  Merger() = default;
  Merger(const Merger&) = delete;
  Merger& operator=(const Merger&) = delete;
  virtual ~Merger() = default;

  /// The partial of items [first, first + count), which belong to `chunk`. Throws TaskError for
  /// what the operator throws, PayloadError.
  virtual void insert(std::uint64_t chunk, std::uint64_t first, std::uint64_t count,
                      ByteView partial) = 0;
  /// All parts of `chunk` are there: appends its partial, and forgets it.
  virtual void take(std::uint64_t chunk, PayloadWriter& writer) = 0;
};

/// Reads the set-up that the operation's kernel is made from, as far as it needs it.
using MergerFactory = std::unique_ptr<Merger>(PayloadReader& setup, std::uint64_t items);

template <class MergerType>
std::unique_ptr<Merger> makeMerger(PayloadReader& setup, std::uint64_t items) {
  return std::make_unique<MergerType>(setup, items);
}

}  // namespace procession::detail
