#pragma once

#include <cstddef>
#include <cstdint>

namespace procession::detail {

/// A node of the reduction tree over `leafCount` leaves: level k, index i covers leaves [i*2^k, (i+1)*2^k), clipped to the
/// leaf count. A node without a right child is its left child.
struct Node {
  int level = 0;
  std::uint64_t index = 0;
  friend bool operator==(const Node&, const Node&) = default;
};

// To be completed by the scheduler's author:
//   std::uint64_t reductionLeafItems(std::uint64_t items, std::size_t grain);
//       the smallest power of two of items that gives at most 2^20 leaves; `grain` (any value >= 1) when not 0
//   Node nodeOfLeaves(std::uint64_t firstLeaf, std::uint64_t count, std::uint64_t leafCount);
//   template <class Value, class Combine> class ReductionTree {
//     ReductionTree(std::uint64_t leafCount, Combine combine);   combine(Value&& left, Value&& right) -> Value
//     void insert(Node node, Value value);   merges at once with its sibling when that is there, and so on upwards
//     bool isComplete() const;  Value takeResult();  std::size_t pendingCount() const;
//     takePending(): the nodes that wait, for those who pass nodes on (agents, journals)
//   };

}  // namespace procession::detail
