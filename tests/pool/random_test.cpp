#include "procession/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

namespace procession::test {
namespace {

static_assert(std::uniform_random_bit_generator<Random>);
static_assert(std::is_trivially_copyable_v<Random>);

std::vector<std::uint64_t> take(Random random, std::size_t count) {
  std::vector<std::uint64_t> numbers(count);
  std::generate(numbers.begin(), numbers.end(), std::ref(random));
  return numbers;
}

using Words = std::array<std::uint32_t, 4>;

// The lines `philox4x32 10` of tests/kat_vectors of Random123 1.14 (D. E. Shaw Research).
TEST(PhiloxTest, GivesThePublishedAnswers) {
  EXPECT_EQ(detail::philox4x32({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(detail::philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                               {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(detail::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                               {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomTest, GivesTheBlocksOfItsSeedAndStreamOneAfterTheOther) {
  Random random(0x0123456789abcdef, 0xfedcba9876543210);
  for (std::uint32_t block = 0; block < 3; ++block) {
    const auto words =
        detail::philox4x32({block, 0, 0x76543210, 0xfedcba98}, {0x89abcdef, 0x01234567});
    EXPECT_EQ(random(), words[0] | std::uint64_t{words[1]} << 32);
    EXPECT_EQ(random(), words[2] | std::uint64_t{words[3]} << 32);
  }
  EXPECT_EQ(take(Random(0), 2),
            (std::vector<std::uint64_t>{0xe169c58d6627e8d5, 0x9b00dbd8bc57ac4c}));
}

TEST(RandomTest, NoTwoStreamsOfFewSeedsShareANumber) {
  std::set<std::uint64_t> seen;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32, ~0ull}) {
    for (const std::uint64_t stream : {0ull, 1ull, 2ull, 1ull << 32, ~0ull}) {
      for (const std::uint64_t number : take(Random(seed, stream), 100)) {
        EXPECT_TRUE(seen.insert(number).second) << seed << " " << stream;
      }
    }
  }
}

TEST(RandomTest, ACopyGoesOnByItselfWithTheSameNumbers) {
  Random random(7);
  random();
  Random copy = random;
  EXPECT_EQ(copy(), random());
  EXPECT_EQ(take(copy, 10), take(random, 10));
}

TEST(RandomTest, UniformNumbersAreTheUpperBitsAndFillTheUnitInterval) {
  Random random(1);
  Random bits(1);
  double sum = 0;
  double squares = 0;
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    const double number = random.uniform();
    ASSERT_EQ(number, std::ldexp(static_cast<double>(bits() >> 11), -53));
    ASSERT_GE(number, 0);
    ASSERT_LT(number, 1);
    sum += number;
    squares += number * number;
  }
  // Five standard errors.
  EXPECT_NEAR(sum / kCount, 1.0 / 2, 5 * std::sqrt(1.0 / 12 / kCount));
  EXPECT_NEAR(squares / kCount, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / kCount));
}

TEST(RandomTest, NormalNumbersHaveTheMomentsOfTheNormalDistribution) {
  Random random(2);
  constexpr int kCount = 100'000;
  std::array<double, 5> moments{};
  for (int i = 0; i < kCount; ++i) {
    const double number = random.normal();
    double power = 1;
    for (double& moment : moments) {
      moment += power / kCount;
      power *= number;
    }
  }
  // Five standard errors: the variance of the k-th power is its 2k-th moment less the square of
  // the k-th.
  EXPECT_NEAR(moments[1], 0, 5 * std::sqrt(1.0 / kCount));
  EXPECT_NEAR(moments[2], 1, 5 * std::sqrt(2.0 / kCount));
  EXPECT_NEAR(moments[3], 0, 5 * std::sqrt(15.0 / kCount));
  EXPECT_NEAR(moments[4], 3, 5 * std::sqrt(96.0 / kCount));
}

TEST(RandomTest, WholeNumbersBelowALimitAreAllAsFrequent) {
  Random random(3);
  constexpr std::uint64_t kLimit = 6;
  constexpr int kCount = 60'000;
  std::array<int, kLimit> counts{};
  for (int i = 0; i < kCount; ++i) {
    ++counts.at(random.below(kLimit));
  }
  for (const int count : counts) {
    EXPECT_NEAR(count, kCount / 6.0, 5 * std::sqrt(kCount * 5.0 / 36));
  }
  EXPECT_EQ(random.below(1), 0u);
  EXPECT_THROW(random.below(0), std::invalid_argument);
}

// Where a remainder would show: of 2^64 numbers, the lower third of 3 * 2^62 would come twice as
// often.
TEST(RandomTest, WholeNumbersBelowALargeLimitAreNotBiased) {
  Random random(4);
  constexpr std::uint64_t kThird = std::uint64_t{1} << 62;
  constexpr int kCount = 30'000;
  int lower = 0;
  for (int i = 0; i < kCount; ++i) {
    const std::uint64_t number = random.below(3 * kThird);
    ASSERT_LT(number, 3 * kThird);
    lower += number < kThird ? 1 : 0;
  }
  EXPECT_NEAR(lower, kCount / 3.0, 5 * std::sqrt(kCount * 2.0 / 9));
}

TEST(RandomTest, ServesTheStandardLibrary) {
  Random random(5);
  std::vector<int> numbers{1, 2, 3, 4, 5};
  std::shuffle(numbers.begin(), numbers.end(), random);
  EXPECT_TRUE(std::is_permutation(numbers.begin(), numbers.end(), std::begin({1, 2, 3, 4, 5})));
  EXPECT_LT(std::uniform_real_distribution<double>(2, 3)(random), 3);
  EXPECT_GE(std::poisson_distribution<int>(4)(random), 0);
}

}  // namespace
}  // namespace procession::test
