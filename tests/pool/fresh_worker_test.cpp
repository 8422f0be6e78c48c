#include "procession/detail/pool/fresh_worker.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

namespace procession::detail {
namespace {

/// As bytes, a letter each.
using Text = std::string;

ByteView bytesOf(const Text& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::optional<std::size_t> find(const Text& given, const Text& zeroed, const Text& zeroedToo,
                                const Text& ones) {
  return findState(bytesOf(given), {bytesOf(zeroed), bytesOf(zeroedToo), bytesOf(ones)});
}

TEST(FreshWorkerTest, AnObjectLikeNewOnesHasNoState) {
  EXPECT_EQ(find("abcdefgh", "abcdefgh", "abcdefgh", "abcdefgh"), std::nullopt);
  EXPECT_EQ(find("", "", "", ""), std::nullopt);
}

TEST(FreshWorkerTest, ThePlaceOfTheFirstDifferenceIsTold) {
  EXPECT_EQ(find("abcXefgX", "abcdefgh", "abcdefgh", "abcdefgh"), 3u);
  EXPECT_EQ(find("abcdefghiJ", "abcdefghij", "abcdefghij", "abcdefghij"), 9u) << "half a word";
}

TEST(FreshWorkerTest, BytesThatTheConstructorLeavesTellNothing) {
  EXPECT_EQ(find("abcdXXXX", "abcd0000", "abcd0000", "abcd1111"), std::nullopt);
  EXPECT_EQ(find("aXcdXXXX", "abcd0000", "abcd0000", "abcd1111"), 1u);
}

TEST(FreshWorkerTest, WordsThatAreOthersInEachObjectTellNothing) {
  EXPECT_EQ(find("same0004", "same0001", "same0002", "same0003"), std::nullopt);
  EXPECT_EQ(find("same0004Y", "same0001x", "same0002x", "same0003x"), 8u);
}

struct Told {
  explicit Told(int given = 3) : number(given) {}
  int number;
  const Told* self = this;
};

TEST(FreshWorkerTest, ObjectsAreComparedWithNewOnesOfTheirClass) {
  EXPECT_EQ(findStateOf(Told()), std::nullopt);
  EXPECT_EQ(findStateOf(Told(4)), 0u);
}

struct Unmakeable {
  Unmakeable() { throw 1; }
  explicit Unmakeable(int given) : number(given) {}
  int number;
};

TEST(FreshWorkerTest, WhatCannotBeMadeCannotBeCompared) {
  EXPECT_EQ(findStateOf(Unmakeable(4)), std::nullopt);
}

}  // namespace
}  // namespace procession::detail
