#include "procession/detail/scheduler/reduction_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace procession::detail {
namespace {

using Random = std::mt19937_64;

std::uint64_t pick(Random& random, std::uint64_t low, std::uint64_t high) {
  return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
}

/// The definition, word by word: a node combines its children; without a right child it is its left
/// child.
template <class Value, class Combine>
Value recursive(const std::vector<Value>& leaves, Node node, Combine combine) {
  if (node.level == 0) {
    return leaves[node.index];
  }
  const Node left{node.level - 1, 2 * node.index};
  const Node right{node.level - 1, 2 * node.index + 1};
  if (right.index << right.level >= leaves.size()) {
    return recursive(leaves, left, combine);
  }
  return combine(recursive(leaves, left, combine), recursive(leaves, right, combine));
}

template <class Value, class Combine>
Value recursive(const std::vector<Value>& leaves, Combine combine) {
  return recursive(leaves, nodeOfLeaves(0, leaves.size(), leaves.size()), combine);
}

/// Shows every bracket, so that it differs for every other tree or order.
struct Bracket {
  std::string operator()(const std::string& left, const std::string& right) const {
    return "(" + left + right + ")";
  }
};

std::vector<std::string> letters(std::uint64_t count) {
  std::vector<std::string> leaves;
  for (std::uint64_t leaf = 0; leaf < count; ++leaf) {
    leaves.push_back(std::to_string(leaf) + ".");
  }
  return leaves;
}

template <class Value, class Combine>
Value fold(const std::vector<Value>& leaves, std::uint64_t first, std::uint64_t count,
           Combine combine) {
  LeafFolder<Value, Combine> folder(combine);
  for (std::uint64_t leaf = first; leaf < first + count; ++leaf) {
    folder.add(leaves[leaf]);
  }
  return folder.take();
}

/// Splits [first, first + count) at random into nodes.
void splitAtRandom(Random& random, std::uint64_t first, std::uint64_t count, std::uint64_t leaves,
                   std::vector<Node>& nodes) {
  if (count == 1 || pick(random, 0, 3) == 0) {
    nodes.push_back(nodeOfLeaves(first, count, leaves));
    return;
  }
  const std::uint64_t half = std::bit_ceil(count) / 2;
  splitAtRandom(random, first, half, leaves, nodes);
  splitAtRandom(random, first + half, count - half, leaves, nodes);
}

TEST(ReductionTreeTest, ThirteenLeavesAreBracketedLikeThis) {
  ReductionTree<std::string, Bracket> tree(13, {});
  const auto leaves = letters(13);
  for (std::uint64_t leaf = 0; leaf < leaves.size(); ++leaf) {
    tree.insert({0, leaf}, leaves[leaf]);
  }
  EXPECT_EQ(tree.takeResult(), "((((0.1.)(2.3.))((4.5.)(6.7.)))(((8.9.)(10.11.))12.))");
}

TEST(ReductionTreeTest, OneLeafIsTheResult) {
  ReductionTree<double, std::plus<>> tree(1, {});
  EXPECT_FALSE(tree.isComplete());
  tree.insert({0, 0}, 5.0);
  EXPECT_TRUE(tree.isComplete());
  EXPECT_EQ(tree.takeResult(), 5.0);
}

TEST(ReductionTreeTest, AnyOrderOfLeavesGivesTheRecursiveResult) {
  Random random(1);
  for (std::uint64_t count = 1; count <= 70; ++count) {
    const auto leaves = letters(count);
    std::vector<std::uint64_t> order(count);
    std::iota(order.begin(), order.end(), std::uint64_t{0});
    std::ranges::shuffle(order, random);
    ReductionTree<std::string, Bracket> tree(count, {});
    for (const std::uint64_t leaf : order) {
      EXPECT_FALSE(tree.isComplete());
      tree.insert({0, leaf}, leaves[leaf]);
    }
    EXPECT_EQ(tree.pendingCount(), 0u);
    EXPECT_EQ(tree.takeResult(), recursive(leaves, Bracket{})) << count << " leaves";
  }
}

TEST(ReductionTreeTest, AnySplitIntoNodesInAnyOrderGivesTheSameBits) {
  Random random(2);
  std::normal_distribution<double> normal(0, 1e6);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> leaves(pick(random, 1, 2000));
    std::ranges::generate(leaves, [&] { return std::exp(normal(random) / 1e5); });
    std::vector<Node> nodes;
    splitAtRandom(random, 0, leaves.size(), leaves.size(), nodes);
    std::ranges::shuffle(nodes, random);
    ReductionTree<double, std::plus<>> tree(leaves.size(), {});
    for (const Node& node : nodes) {
      const std::uint64_t first = node.index << node.level;
      const std::uint64_t count = std::min(std::uint64_t{1} << node.level, leaves.size() - first);
      tree.insert(node, fold(leaves, first, count, std::plus<>{}));
    }
    EXPECT_EQ(tree.takeResult(), recursive(leaves, std::plus<>{}));
  }
}

TEST(ReductionTreeTest, InOrderItHoldsOnlyAFewPartials) {
  ReductionTree<double, std::plus<>> tree(100'000, {});
  std::size_t most = 0;
  for (std::uint64_t leaf = 0; leaf < 100'000; ++leaf) {
    tree.insert({0, leaf}, 1.0);
    most = std::max(most, tree.pendingCount());
    ASSERT_EQ(tree.earlyCount(), 0u);
  }
  EXPECT_LE(most, 17u);
  EXPECT_EQ(tree.takeResult(), 100'000.0);
}

TEST(ReductionTreeTest, CountsWhatCameBeforeItsTurn) {
  ReductionTree<int, std::plus<>> tree(8, {});
  tree.insert({1, 2}, 1);  // leaves 4 and 5
  tree.insert({0, 1}, 1);
  EXPECT_EQ(tree.earlyCount(), 2u);
  tree.insert({0, 0}, 1);
  EXPECT_EQ(tree.earlyCount(), 1u);
  tree.insert({1, 1}, 1);  // leaves 2 and 3
  EXPECT_EQ(tree.pendingCount(), 2u);
  EXPECT_EQ(tree.earlyCount(), 0u);
}

TEST(ReductionTreeTest, WhatWaitsCanBePassedOnToAnotherTree) {
  const auto leaves = letters(21);
  ReductionTree<std::string, Bracket> agent(21, {});
  ReductionTree<std::string, Bracket> parent(21, {});
  for (std::uint64_t leaf = 0; leaf < leaves.size(); ++leaf) {
    (leaf % 3 == 1 ? parent : agent).insert({0, leaf}, leaves[leaf]);
  }
  for (auto& [node, value] : agent.takePending()) {
    parent.insert(node, std::move(value));
  }
  EXPECT_EQ(agent.pendingCount(), 0u);
  EXPECT_EQ(parent.takeResult(), recursive(leaves, Bracket{}));
}

TEST(ReductionTreeTest, ValuesAreMovedNeverCopied) {
  const auto combine = [](std::unique_ptr<int> left, std::unique_ptr<int> right) {
    *left += *right;
    return left;
  };
  ReductionTree<std::unique_ptr<int>, decltype(combine)> tree(5, combine);
  LeafFolder<std::unique_ptr<int>, decltype(combine)> folder(combine);
  for (std::uint64_t leaf = 5; leaf-- > 0;) {
    tree.insert({0, leaf}, std::make_unique<int>(1));
    folder.add(std::make_unique<int>(1));
  }
  EXPECT_EQ(*tree.takeResult(), 5);
  EXPECT_EQ(*folder.take(), 5);
}

TEST(ReductionTreeTest, WrongNodesAreRefused) {
  ReductionTree<double, std::plus<>> tree(5, {});
  EXPECT_THROW(tree.insert({0, 5}, 1.0), std::logic_error);
  EXPECT_THROW(tree.insert({1, 3}, 1.0), std::logic_error);
  EXPECT_THROW(tree.insert({-1, 0}, 1.0), std::logic_error);
  EXPECT_THROW(tree.insert({64, 0}, 1.0), std::logic_error);
  EXPECT_THROW((void)tree.takeResult(), std::logic_error);
  tree.insert({0, 1}, 1.0);
  EXPECT_THROW(tree.insert({0, 1}, 1.0), std::logic_error);
  tree.insert({0, 0}, 1.0);
  EXPECT_THROW(tree.insert({1, 0}, 1.0), std::logic_error);
  tree.insert({1, 1}, 1.0);
  tree.insert({0, 4}, 1.0);
  EXPECT_THROW(tree.insert({0, 4}, 1.0), std::logic_error);
  EXPECT_EQ(tree.takeResult(), 4.0);
  EXPECT_THROW((ReductionTree<double, std::plus<>>(0, {})), std::logic_error);
}

TEST(LeafFolderTest, FoldsEveryNodeLikeTheTree) {
  for (std::uint64_t count = 1; count <= 70; ++count) {
    const auto leaves = letters(count);
    for (int level = 0; level <= static_cast<int>(std::bit_width(count - 1)); ++level) {
      for (std::uint64_t index = 0; index << level < count; ++index) {
        const std::uint64_t first = index << level;
        const std::uint64_t size = std::min(std::uint64_t{1} << level, count - first);
        EXPECT_EQ(fold(leaves, first, size, Bracket{}),
                  recursive(leaves, {level, index}, Bracket{}));
      }
    }
  }
}

TEST(LeafFolderTest, IsEmptyAfterTakeAndCanBeUsedAgain) {
  LeafFolder<double, std::plus<>> folder({});
  EXPECT_THROW((void)folder.take(), std::logic_error);
  for (int round = 0; round < 3; ++round) {
    for (int leaf = 0; leaf < 11; ++leaf) {
      folder.add(1.0);
    }
    EXPECT_EQ(folder.leafCount(), 11u);
    EXPECT_EQ(folder.take(), 11.0);
    EXPECT_EQ(folder.leafCount(), 0u);
  }
}

TEST(NodeOfLeavesTest, FindsTheNodeOfEachOfItsRanges) {
  constexpr std::uint64_t kLeaves = 37;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Node> nodes;  // lowest level wins
  for (int level = 6; level >= 0; --level) {
    for (std::uint64_t index = 0; index << level < kLeaves; ++index) {
      const std::uint64_t first = index << level;
      nodes[{first, std::min(std::uint64_t{1} << level, kLeaves - first)}] = {level, index};
    }
  }
  for (std::uint64_t first = 0; first <= kLeaves + 1; ++first) {
    for (std::uint64_t count = 0; count <= kLeaves + 1; ++count) {
      const auto node = nodes.find({first, count});
      if (node != nodes.end()) {
        EXPECT_EQ(nodeOfLeaves(first, count, kLeaves), node->second);
      } else {
        EXPECT_THROW((void)nodeOfLeaves(first, count, kLeaves), PayloadError);
      }
    }
  }
}

TEST(NodeOfLeavesTest, SurvivesNumbersFromBrokenMessages) {
  constexpr auto kHuge = ~std::uint64_t{0};
  EXPECT_THROW((void)nodeOfLeaves(1, kHuge, 10), PayloadError);
  EXPECT_THROW((void)nodeOfLeaves(kHuge, 1, 10), PayloadError);
  EXPECT_THROW((void)nodeOfLeaves(kHuge, kHuge, kHuge), PayloadError);
  EXPECT_THROW((void)nodeOfLeaves(0, 0, 0), PayloadError);
  EXPECT_EQ(nodeOfLeaves(0, kHuge, kHuge), (Node{64, 0}));
}

TEST(ReductionLeafItemsTest, GivesAtMostAMillionLeavesOfAPowerOfTwo) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 20;
  EXPECT_EQ(reductionLeafItems(0, 0), 1u);
  EXPECT_EQ(reductionLeafItems(1, 0), 1u);
  EXPECT_EQ(reductionLeafItems(kMost, 0), 1u);
  EXPECT_EQ(reductionLeafItems(kMost + 1, 0), 2u);
  EXPECT_EQ(reductionLeafItems(10'000'000, 0), 16u);
  EXPECT_EQ(reductionLeafItems(2 * kMost, 0), 2u);
  EXPECT_EQ(reductionLeafItems(2 * kMost + 1, 0), 4u);
}

TEST(ReductionLeafItemsTest, AGrainIsTakenAsItIs) {
  EXPECT_EQ(reductionLeafItems(100, 7), 7u);
  EXPECT_EQ(reductionLeafItems(0, 7), 7u);
}

}  // namespace
}  // namespace procession::detail
