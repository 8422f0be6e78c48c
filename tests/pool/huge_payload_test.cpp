#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "backend/ranks.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "support/rank_here.hpp"

// Single items and results of more than 2 GiB, more than the counts of MPI can tell, that travel
// between the parent and another rank.

namespace procession::test {
namespace {

using Bytes = std::vector<char>;

constexpr std::size_t kHuge = std::size_t{2200} << 20;
static_assert(kHuge > (std::size_t{1} << 31));
// No power of two, so that pieces that change places show.
constexpr std::size_t kStep = (std::size_t{1} << 20) - 7;

Bytes makePattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; at += kStep) {
    bytes[at] = static_cast<char>(at / kStep % 251);
  }
  if (!bytes.empty()) {
    bytes.back() = 'e';
  }
  return bytes;
}

bool isPattern(const Bytes& bytes, std::size_t size) {
  if (bytes.size() != size) {
    return false;
  }
  for (std::size_t at = 0; at < size - 1; at += kStep) {
    if (bytes[at] != static_cast<char>(at / kStep % 251)) {
      return false;
    }
  }
  return bytes.back() == 'e';
}

/// Two items, one for each rank: none is done before both were begun.
class HugePayloadLargeTest : public testing::Test {
 protected:
  HugePayloadLargeTest() : pool_({.workerCount = 2, .chunkSize = 1}) {
    EXPECT_EQ(detail::activeRanks()->size(), 2);
  }

  ProcessPool pool_;
  Gate gate_;
};

/// Lets the others that wait at the gate pass, and waits for them.
void meetAtGate(const std::string& path) {
  const detail::FileDescriptor passes(open((path + "/passes").c_str(), O_RDWR | O_CLOEXEC));
  detail::writeAll(passes.get(), ".", 1);
}

TEST_F(HugePayloadLargeTest, AnItemArrivesInAnotherRank) {
  const std::vector<Bytes> items = [] {
    std::vector<Bytes> made(2);
    made[0] = makePattern(10);
    made[1] = makePattern(kHuge);
    return made;
  }();
  const auto look = [](const std::string& gate, const Bytes& item) {
    if (item.size() == kHuge) {
      meetAtGate(gate);
    } else {
      Gate::pass(gate);
    }
    return std::pair(rankHere(), isPattern(item, item.size()));
  };
  EXPECT_EQ(pool_.map(items, bindFront(look, gate_.path())),
            (std::vector{std::pair(0, true), std::pair(1, true)}));
}

TEST_F(HugePayloadLargeTest, AResultArrivesFromAnotherRank) {
  const auto make = [](const std::string& gate, int item) {
    if (item == 1) {
      meetAtGate(gate);
    } else {
      Gate::pass(gate);
    }
    return std::pair(rankHere(), item == 1 ? makePattern(kHuge) : Bytes());
  };
  const auto results = pool_.map(numbersUpTo(2), bindFront(make, gate_.path()));
  EXPECT_EQ(results[0].first, 0);
  EXPECT_EQ(results[1].first, 1);
  EXPECT_TRUE(isPattern(results[1].second, kHuge));
}

}  // namespace
}  // namespace procession::test
