#include "procession/detail/wire/exception_chain.hpp"

#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>

namespace procession::test {
namespace {

struct Silent : std::exception {
  const char* what() const noexcept override { return nullptr; }
};
struct Plain {};
struct OnlyNested : std::nested_exception {};

template <class Thrower>
std::vector<ExceptionInfo> chainOf(Thrower thrower) {
  try {
    thrower();
  } catch (...) {
    return detail::describeException(std::current_exception());
  }
  return {};
}

void expectChain(const std::vector<ExceptionInfo>& chain,
                 const std::vector<ExceptionInfo>& expected) {
  ASSERT_EQ(chain.size(), expected.size());
  for (std::size_t i = 0; i < chain.size(); ++i) {
    EXPECT_EQ(chain[i].type, expected[i].type);
    EXPECT_EQ(chain[i].message, expected[i].message);
  }
}

void throwNested(int depth) {
  try {
    if (depth == 1) {
      throw std::invalid_argument("1");
    }
    throwNested(depth - 1);
  } catch (...) {
    std::throw_with_nested(std::runtime_error(std::to_string(depth)));
  }
}

TEST(ExceptionChainTest, TellsTheDynamicTypeAndTheMessage) {
  expectChain(chainOf([] { throw std::out_of_range("too far"); }),
              {{"std::out_of_range", "too far"}});
}

TEST(ExceptionChainTest, TellsNestedExceptionsOutermostFirst) {
  expectChain(chainOf([] { throwNested(2); }), {{"std::_Nested_exception<std::runtime_error>", "2"},
                                                {"std::_Nested_exception<std::runtime_error>", "1"},
                                                {"std::invalid_argument", "1"}});
}

TEST(ExceptionChainTest, EndsSomewhereHoweverDeepTheNesting) {
  const std::vector<ExceptionInfo> chain = chainOf([] { throwNested(200); });
  EXPECT_GE(chain.size(), 10u);
  EXPECT_LE(chain.size(), 100u);
}

TEST(ExceptionChainTest, TellsWhatItCanOfOtherObjects) {
  expectChain(chainOf([] { throw 42; }), {{"int", ""}});
  expectChain(chainOf([] { throw Plain(); }),
              {{"procession::test::(anonymous namespace)::Plain", ""}});
  expectChain(chainOf([] { throw "a literal"; }), {{"char const*", "a literal"}});
  expectChain(chainOf([] { throw Silent(); }),
              {{"procession::test::(anonymous namespace)::Silent", ""}});
  EXPECT_EQ(chainOf([] { throw std::string("a string"); }).front().message, "a string");
}

TEST(ExceptionChainTest, FollowsNestingThroughObjectsThatAreNoExceptions) {
  const auto chain = chainOf([] {
    try {
      throw std::runtime_error("inner");
    } catch (...) {
      throw OnlyNested();
    }
  });
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[1].message, "inner");
}

TEST(ExceptionChainTest, IsNeverEmpty) { EXPECT_EQ(detail::describeException(nullptr).size(), 1u); }

TEST(ExceptionChainTest, TravelsAndIsCheckedOnArrival) {
  const std::vector<ExceptionInfo> chain{
      {"outer", "o"}, {"inner", std::string(100'000, 'i')}, {"", ""}};
  detail::HeapPayload payload;
  detail::encodeChain(payload, chain);
  detail::PayloadReader whole(payload.view());
  expectChain(detail::decodeChain(whole), chain);
  for (std::size_t size = 0; size < payload.size(); size += 7) {
    detail::PayloadReader part(payload.view().first(size));
    EXPECT_THROW(detail::decodeChain(part), PayloadError) << size;
  }
  for (const std::uint64_t count : {std::uint64_t{0}, ~std::uint64_t{0}}) {
    detail::HeapPayload wrong;
    wrong.writeWord(count);
    detail::PayloadReader reader(wrong.view());
    EXPECT_THROW(detail::decodeChain(reader), PayloadError);
  }
}

}  // namespace
}  // namespace procession::test
