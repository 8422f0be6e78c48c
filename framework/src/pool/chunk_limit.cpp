#include "pool/chunk_limit.hpp"

#include <algorithm>
#include <limits>

namespace procession::detail {

namespace {

// A chunk's bytes should fit a core's cache, with its results, so that every byte is copied from
// there.
constexpr std::size_t kChunkBytes = std::size_t{512} << 10;
// What an agent gets at once is for all its workers; but it should not wait long for it.
constexpr std::size_t kAgentChunkBytes = std::size_t{32} << 20;

std::size_t bytesFor(int capacity) {
  return std::min(kChunkBytes * static_cast<std::size_t>(capacity), kAgentChunkBytes);
}

std::uint64_t itemsFor(const OperationPlan& plan, std::size_t chunkBytes, int capacity) {
  constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
  const OperationShape& shape = plan.shape;
  if (plan.chunkSize != 0) {
    const auto capacities = static_cast<std::uint64_t>(capacity);
    const bool isHuge = plan.chunkSize > kUnlimited / capacities;
    return std::max<std::uint64_t>(isHuge ? plan.chunkSize : plan.chunkSize * capacities,
                                   shape.leafItems);
  }
  const std::size_t bytes = std::max(shape.itemBytes, shape.resultBytes);
  return bytes == 0 ? kUnlimited : std::max<std::uint64_t>(chunkBytes / bytes, shape.leafItems);
}

}  // namespace

ChunkLimit::ChunkLimit(const OperationPlan& plan, int capacity)
    : isFixed_(plan.chunkSize != 0 || plan.shape.wholeNodes),
      bytes_(bytesFor(capacity)),
      items_(itemsFor(plan, bytes_, capacity)) {}

std::optional<std::uint64_t> ChunkLimit::note(std::uint64_t items, std::size_t bytes) {
  if (isFixed_ || bytes <= bytes_) {
    return std::nullopt;
  }
  const std::uint64_t most = std::max<std::uint64_t>(1, bytes_ * items / bytes);
  if (most >= items_) {
    return std::nullopt;
  }
  items_ = most;
  return most;
}

}  // namespace procession::detail
