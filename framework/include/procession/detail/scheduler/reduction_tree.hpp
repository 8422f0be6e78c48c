#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "procession/error.hpp"

namespace procession::detail {

/// A node of the reduction tree over `leafCount` leaves: level k, index i covers leaves [i*2^k,
/// (i+1)*2^k), clipped to the leaf count. A node without a right child is its left child.
struct Node {
  int level = 0;
  std::uint64_t index = 0;
  friend bool operator==(const Node&, const Node&) = default;
};

/// Items a leaf: the smallest power of two that gives at most 2^20 leaves; `grain` when that is not
/// 0. Depends on nothing else, so that results do not.
[[nodiscard]] inline std::uint64_t reductionLeafItems(std::uint64_t items, std::size_t grain) {
  constexpr int kMaxLevel = 20;
  if (grain != 0) {
    return grain;
  }
  return items == 0 ? 1 : std::bit_ceil(((items - 1) >> kMaxLevel) + 1);
}

/// The node that covers exactly the leaves [first, first + count) of `leafCount`.
/// Throws PayloadError when there is none.
[[nodiscard]] inline Node nodeOfLeaves(std::uint64_t first, std::uint64_t count,
                                       std::uint64_t leafCount) {
  if (count > 0 && first < leafCount && count <= leafCount - first) {
    const auto level = static_cast<int>(std::bit_width(count - 1));
    const bool isAligned = first == 0 || std::countr_zero(first) >= level;
    const bool isFull = level < 64 && count == std::uint64_t{1} << level;
    if (isAligned && (isFull || first + count == leafCount)) {
      return {level, level < 64 ? first >> level : 0};
    }
  }
  throw PayloadError("the " + std::to_string(count) + " leaves from " + std::to_string(first) +
                     " are no node of a reduction over " + std::to_string(leafCount) + " leaves");
}

/// Combines the nodes of the reduction tree, whatever the order in which they arrive, and gives the
/// same result to the last bit as the recursive definition: a node is combine(left child, right
/// child).
///
///     ReductionTree<double, std::plus<>> tree(4, {});
///     tree.insert({1, 1}, 3.0 + 4.0);  // leaves 2 and 3
///     tree.insert({0, 0}, 1.0);
///     tree.insert({0, 1}, 2.0);
///     tree.takeResult();  // (1 + 2) + (3 + 4)
///
/// `combine(Value left, Value right) -> Value`, called as soon as both children are there. So the
/// tree holds the nodes that arrived out of order, and at most log2(leafCount) more. After an
/// exception of `combine` the tree can only be destroyed.
template <class Value, class Combine>
class ReductionTree {
 public:
  /// `leafCount`: at least one.
  ReductionTree(std::uint64_t leafCount, Combine combine)
      : leafCount_(leafCount), combine_(std::move(combine)) {
    if (leafCount == 0) {
      throw std::logic_error("a reduction tree without leaves");
    }
  }

  /// Throws std::logic_error for a node outside the tree and for one that is there already.
  void insert(Node node, Value value) {
    check(node);
    while (true) {
      const std::uint64_t end = node.index + 1;
      if (node.index % 2 == 0 && (node.level >= 63 || end > (leafCount_ - 1) >> node.level)) {
        if (node.index == 0) {
          result_ = std::make_unique<Value>(std::move(value));
          return;
        }
        node = parent(node);  // without a right sibling it is its parent
        continue;
      }
      const auto sibling = pending_.find(firstLeaf({node.level, node.index ^ 1}));
      if (sibling == pending_.end() || sibling->second.first.level != node.level) {
        keep(node, std::move(value));
        return;
      }
      Value other = std::move(sibling->second.second);
      pending_.erase(sibling);
      value = node.index % 2 == 0 ? combine_(std::move(value), std::move(other))
                                  : combine_(std::move(other), std::move(value));
      node = parent(node);
    }
  }

  [[nodiscard]] bool isComplete() const { return result_ != nullptr; }

  /// Throws std::logic_error when nodes are missing, or the result was taken.
  [[nodiscard]] Value takeResult() {
    if (!result_) {
      throw std::logic_error("the reduction is not complete");
    }
    Value result = std::move(*result_);
    result_.reset();
    return result;
  }

  /// Nodes that wait for their siblings.
  [[nodiscard]] std::size_t pendingCount() const { return pending_.size(); }

  /// Those among them that came early: not all leaves to their left are in. The others, at most
  /// log2(leafCount), wait whatever the order of arrival.
  [[nodiscard]] std::size_t earlyCount() const {
    std::size_t early = pending_.size();
    std::uint64_t leaves = 0;  // that are in, from the left
    for (const auto& [first, pending] : pending_) {
      if (first != leaves) {
        break;
      }
      leaves += std::uint64_t{1} << pending.first.level;
      --early;
    }
    return early;
  }

  /// The nodes that wait, from left to right, for those who pass them on; the tree is empty
  /// afterwards.
  [[nodiscard]] std::vector<std::pair<Node, Value>> takePending() {
    std::vector<std::pair<Node, Value>> nodes;
    nodes.reserve(pending_.size());
    for (auto& [first, node] : pending_) {
      nodes.push_back(std::move(node));
    }
    pending_.clear();
    return nodes;
  }

 private:
  static Node parent(Node node) { return {node.level + 1, node.index / 2}; }
  static std::uint64_t firstLeaf(Node node) { return node.index << node.level; }

  void check(Node node) const {
    const bool isInside =
        node.level >= 0 && node.level < 64 && node.index <= (leafCount_ - 1) >> node.level;
    if (!isInside || result_) {
      throw std::logic_error(describe(node) +
                             (isInside ? " comes after the end" : " does not exist"));
    }
  }

  void keep(Node node, Value value) {
    const auto [at, isNew] =
        pending_.try_emplace(firstLeaf(node), std::pair<Node, Value>(node, std::move(value)));
    if (!isNew) {
      throw std::logic_error(describe(node) + " comes twice");
    }
  }

  [[nodiscard]] std::string describe(Node node) const {
    return "node " + std::to_string(node.index) + " of level " + std::to_string(node.level) +
           " in a reduction over " + std::to_string(leafCount_) + " leaves";
  }

  std::uint64_t leafCount_;
  Combine combine_;
  std::map<std::uint64_t, std::pair<Node, Value>> pending_;  // by first leaf; they do not overlap
  // Not an optional: GCC 12 then warns of members of a string that nobody reads.
  std::unique_ptr<Value> result_;  // null until it is complete
};

/// Folds the leaves of one node in order, from left to right, to the same result as ReductionTree,
/// without a search: a binary counter, whose value for a million leaves is at most 20 partials
/// high. For the workers.
template <class Value, class Combine>
class LeafFolder {
 public:
  explicit LeafFolder(Combine combine) : combine_(std::move(combine)) {}

  /// The next leaf. The first one must be the first of a node, and the last the last of the same
  /// node.
  void add(Value leaf) {
    // The bits that the count carries over are the subtrees that this leaf completes.
    for (int merges = std::countr_one(count_); merges > 0; --merges) {
      leaf = combine_(std::move(partials_.back()), std::move(leaf));
      partials_.pop_back();
    }
    partials_.push_back(std::move(leaf));
    ++count_;
  }

  [[nodiscard]] std::uint64_t leafCount() const { return count_; }

  /// The node's value; the folder is empty afterwards. Throws std::logic_error when there was no
  /// leaf.
  [[nodiscard]] Value take() {
    if (partials_.empty()) {
      throw std::logic_error("a node without leaves");
    }
    // More than one is left at the clipped end only, where each is a left child and the rest its
    // right sibling.
    Value value = std::move(partials_.back());
    partials_.pop_back();
    while (!partials_.empty()) {
      value = combine_(std::move(partials_.back()), std::move(value));
      partials_.pop_back();
    }
    count_ = 0;
    return value;
  }

 private:
  Combine combine_;
  std::vector<Value> partials_;
  std::uint64_t count_ = 0;
};

}  // namespace procession::detail
