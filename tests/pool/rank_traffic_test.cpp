#include <gtest/gtest.h>

#include <vector>

#include "backend/ranks.hpp"
#include "procession/process_pool.hpp"

namespace procession {
namespace {

TEST(PoolTrafficTest, ItemsAndResultsTravelToOtherRanksAndBackOnce) {
  const detail::Ranks* ranks = detail::activeRanks();
  if (ranks == nullptr) {
    GTEST_SKIP() << "no other ranks";
  }
  ProcessPool pool;
  const std::vector<double> items(1'000'000, 1.5);
  const detail::RankTraffic before = ranks->traffic();
  const std::vector<double> results = pool.map(items, [](double x) { return 2 * x; });
  const detail::RankTraffic traffic = ranks->traffic().since(before);

  EXPECT_EQ(results, std::vector<double>(items.size(), 3.0));
  const std::size_t all = items.size() * sizeof(double);
  if (ranks->size() == 1) {
    EXPECT_EQ(traffic.messagesSent + traffic.messagesReceived, 0U);
    return;
  }
  // With headers, and what was given back to be sent again.
  EXPECT_LT(traffic.bytesSent, all + all / 2) << traffic.describe();
  EXPECT_LT(traffic.bytesReceived, all + all / 2) << traffic.describe();
  // No rank but the parent's may have had the time to do anything; all are told of the operation.
  EXPECT_GE(traffic.messagesSent, 2U * static_cast<unsigned>(ranks->size() - 1));
}

}  // namespace
}  // namespace procession
