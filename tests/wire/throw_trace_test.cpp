#include "procession/detail/wire/throw_trace.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace procession::detail {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ThrowTraceTest : public testing::Test {
 protected:
  void SetUp() override {
#if !defined(__x86_64__)
    GTEST_SKIP() << "this platform tells nothing";
#endif
  }

  template <class Exception, class Function>
  static std::vector<std::string> traceOf(Function function) {
    EXPECT_THROW(notingThrows(function), Exception);
    return takeThrowTrace();
  }
};

TEST_F(ThrowTraceTest, BeginsWhereItWasThrown) {
  void* library = dlopen(LATE_LIBRARY, RTLD_NOW);
  ASSERT_NE(library, nullptr);
  const auto thrower = reinterpret_cast<void (*)()>(dlsym(library, "throwInLibrary"));
  ASSERT_NE(thrower, nullptr);
  const auto trace = traceOf<std::runtime_error>([thrower] { thrower(); });
  ASSERT_GE(trace.size(), 2u);
  EXPECT_THAT(trace[0],
              testing::MatchesRegex("throwInLibrary \\(liblate_library.so\\+0x[0-9a-f]+\\)"));
  EXPECT_THAT(trace[1], HasSubstr("wire_test+0x"));
  dlclose(library);
}

[[gnu::noinline]] int throwAt(int depth) {
  return depth == 0 ? throw std::runtime_error("deep") : throwAt(depth - 1) + 1;
}

TEST_F(ThrowTraceTest, HasTheCallsUpToTheOneThatNotes) {
  const auto shallow = traceOf<std::runtime_error>([] { throwAt(1); });
  const auto deep = traceOf<std::runtime_error>([] { throwAt(6); });
  EXPECT_EQ(deep.size(), shallow.size() + 5);
  EXPECT_LE(deep.size(), 16u) << "the test's own callers are not in it";
}

TEST_F(ThrowTraceTest, EndsSomewhere) {
  EXPECT_LE(traceOf<std::runtime_error>([] { throwAt(1000); }).size(), 64u);
}

TEST_F(ThrowTraceTest, IsTakenOnce) {
  EXPECT_THAT(traceOf<int>([] { throw 1; }), Not(IsEmpty()));
  EXPECT_THAT(takeThrowTrace(), IsEmpty());
}

TEST_F(ThrowTraceTest, WhatIsCaughtInsideLeavesNone) {
  notingThrows([] {
    try {
      throwAt(2);
    } catch (const std::runtime_error&) {
    }
  });
  EXPECT_THAT(takeThrowTrace(), IsEmpty());
}

TEST_F(ThrowTraceTest, TheStackIsUnwoundAsEver) {
  bool isUnwound = false;
  struct Guard {
    bool& flag;
    ~Guard() { flag = true; }
  };
  EXPECT_THROW(notingThrows([&] {
                 const Guard guard{isUnwound};
                 throw std::logic_error("on");
               }),
               std::logic_error);
  EXPECT_TRUE(isUnwound);
}

}  // namespace
}  // namespace procession::detail
