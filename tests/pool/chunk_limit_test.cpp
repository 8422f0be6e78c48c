#include "pool/chunk_limit.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <optional>

namespace procession::detail {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

OperationPlan planOf(std::size_t itemBytes, std::size_t resultBytes) {
  OperationPlan plan;
  plan.shape.itemBytes = itemBytes;
  plan.shape.resultBytes = resultBytes;
  return plan;
}

TEST(ChunkLimitTest, LargerOfItemsAndResultsTakeHalfAMebibyteForEachProcess) {
  EXPECT_EQ(ChunkLimit(planOf(512, 8), 1).items(), 1024u);
  EXPECT_EQ(ChunkLimit(planOf(8, 512), 1).items(), 1024u);
  EXPECT_EQ(ChunkLimit(planOf(512, 8), 4).items(), 4096u);
  EXPECT_EQ(ChunkLimit(planOf(512, 8), 1000).items(), 64u * 1024) << "32 MiB a message";
  EXPECT_EQ(ChunkLimit(planOf(0, 0), 1).items(), kUnlimited);
}

TEST(ChunkLimitTest, ALeafIsNotCut) {
  OperationPlan plan = planOf(512, 8);
  plan.shape.leafItems = 5000;
  EXPECT_EQ(ChunkLimit(plan, 1).items(), 5000u);
}

TEST(ChunkLimitTest, WhatTurnsOutToBeLargerLowersIt) {
  ChunkLimit limit(planOf(8, 8), 1);
  EXPECT_EQ(limit.note(1000, 512 << 10), std::nullopt) << "as large as it may be";
  EXPECT_EQ(limit.note(1000, 1 << 20), 500u);
  EXPECT_EQ(limit.note(1000, 1 << 20), std::nullopt) << "known";
  EXPECT_EQ(limit.note(1, 1 << 30), 1u);
  EXPECT_EQ(limit.items(), 1u);
}

TEST(ChunkLimitTest, WhatTheUserAskedForHoldsForEachProcessAndStays) {
  OperationPlan plan = planOf(512, 8);
  plan.chunkSize = 7;
  ChunkLimit limit(plan, 3);
  EXPECT_EQ(limit.items(), 21u);
  EXPECT_EQ(limit.note(21, 1 << 30), std::nullopt);
  plan.chunkSize = kUnlimited;
  EXPECT_EQ(ChunkLimit(plan, 3).items(), kUnlimited);
}

}  // namespace
}  // namespace procession::detail
