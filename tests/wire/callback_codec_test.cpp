#include "procession/detail/wire/callback_codec.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "procession/error.hpp"

namespace procession::test {
namespace {

using detail::HeapPayload;
using detail::PayloadReader;
using testing::AllOf;
using testing::HasSubstr;

int twice(int number) { return 2 * number; }
int globalNumber = 5;

/// A function object that saves itself.
struct Prefixer {
  std::string prefix;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& prefix;
  }
  std::string operator()(const std::string& text) const { return prefix + text; }
};

template <class Callback>
Callback ship(const Callback& callback) {
  HeapPayload payload;
  detail::encodeCallback(payload, callback);
  PayloadReader reader(payload.view());
  Callback received = detail::decodeCallback<Callback>(reader);
  reader.expectEnd();
  return received;
}

template <class Callback>
std::string refusalOf(const Callback& callback) {
  HeapPayload payload;
  try {
    detail::encodeCallback(payload, callback);
  } catch (const PortabilityError& error) {
    return error.what();
  }
  return "";
}

// What may be sent, and what may not.
struct Mixed {
  int number = 0;
  int operator()(int item) const { return item + number + hidden_; }

 private:
  int hidden_ = 0;
};
template <class Callback>
constexpr bool isPortable(const Callback&) {
  return PortableCallback<Callback>;
}
static_assert(PortableCallback<int (*)(int)> && PortableCallback<std::plus<>> &&
              PortableCallback<Prefixer>);
static_assert(PortableCallback<BoundFront<int (*)(std::string), std::string>>);
static_assert(!PortableCallback<std::function<int(int)>> && !PortableCallback<int> &&
              !PortableCallback<Mixed>);
static_assert(!PortableCallback<BoundFront<int (*)(int*), int*>> &&
              !PortableCallback<LocalOnly<std::plus<>>>);

TEST(PortableCallbackTest, ClosuresOfPlainValuesArePortableAndOwnersAreNot) {
  const std::string text = "owns memory";
  const std::pair<int, int> pair(1, 2);
  int number = 3;
  EXPECT_TRUE(isPortable([](int n) { return n; }));
  EXPECT_TRUE(isPortable([number](int n) { return n + number; }));
  EXPECT_FALSE(isPortable([text](int n) { return n + static_cast<int>(text.size()); }));
  EXPECT_FALSE(isPortable([pair](int n) { return n + pair.first; }));
  EXPECT_FALSE(isPortable([owner = std::make_unique<int>(1)](int n) { return n + *owner; }));
}

TEST(CallbackCodecTest, FunctionsArrive) { EXPECT_EQ(ship(&twice)(4), 8); }

TEST(CallbackCodecTest, CapturelessLambdasTakeNoBytes) {
  const auto callback = [](int number) { return number + 1; };
  EXPECT_EQ(ship(callback)(1), 2);
  HeapPayload payload;
  detail::encodeCallback(payload, callback);
  EXPECT_EQ(payload.size(), 0u);
}

TEST(CallbackCodecTest, ClosuresArriveWithTheirValues) {
  EXPECT_EQ(
      ship([factor = 3.5, offset = std::uint8_t{2}](int n) { return factor * n + offset; })(2),
      9.0);
  auto counter = ship([count = 5]() mutable { return ++count; });
  EXPECT_EQ(counter(), 6);
  EXPECT_EQ(counter(), 7);
}

TEST(CallbackCodecTest, FunctionObjectsThatSaveThemselvesArrive) {
  EXPECT_EQ(ship(Prefixer{"very "})("good"), "very good");
}

TEST(CallbackCodecTest, BoundValuesArriveInTheirOrder) {
  const auto join = [](const std::vector<int>& numbers, const std::string& name, double scale,
                       int item) {
    return name + std::to_string(std::accumulate(numbers.begin(), numbers.end(), item)) +
           std::to_string(scale)[0];
  };
  EXPECT_EQ(ship(bindFront(join, std::vector<int>{1, 2}, std::string("n"), 7.0))(10), "n137");
  EXPECT_EQ(ship(bindFront(&twice))(2), 4);
  EXPECT_EQ(ship(bindFront(bindFront(std::plus<>{}, 1)))(2), 3);
}

TEST(CallbackCodecTest, BoundValuesAreNotLookedAtForAddresses) {
  const auto word = reinterpret_cast<std::uintptr_t>(&globalNumber);
  const auto difference = [](std::uintptr_t bound, std::uintptr_t item) { return item - bound; };
  EXPECT_EQ(ship(bindFront(difference, word))(word + 1), 1u);
}

TEST(CallbackCodecTest, DamagedBytesAreAPayloadError) {
  HeapPayload payload;
  detail::encodeCallback(payload, bindFront(&twice, std::string("x")));
  for (std::size_t size = 0; size < payload.size(); ++size) {
    PayloadReader reader(payload.view().first(size));
    using Callback = BoundFront<int (*)(int), std::string>;
    EXPECT_THROW(static_cast<void>(detail::decodeCallback<Callback>(reader)), PayloadError);
  }
}

TEST(AddressCheckTest, NamesTheOffsetAndTheWaysOut) {
  int local = 1;
  const auto callback = [number = std::uint64_t{1}, pointer = &local](int item) {
    return item + *pointer + static_cast<int>(number);
  };
  EXPECT_THAT(refusalOf(callback),
              AllOf(HasSubstr("offset 8 of "), HasSubstr("points into"), HasSubstr("bindFront"),
                    HasSubstr("localOnly"), HasSubstr("asBytes")));
}

TEST(AddressCheckTest, RefusesAddressesOfEveryKindOfMemory) {
  const auto onHeap = std::make_unique<int>(1);
  const std::vector<char> large(std::size_t{1} << 20);
  static int inFunction = 1;
  // Where a tool keeps the heap at addresses like small numbers, those pass.
  if (reinterpret_cast<std::uintptr_t>(onHeap.get()) > std::numeric_limits<std::uint32_t>::max()) {
    EXPECT_NE(refusalOf([p = onHeap.get()](int n) { return n + *p; }), "");
    EXPECT_NE(refusalOf([p = large.data()](int n) { return n + *p; }), "")
        << "memory that malloc mapped";
  }
  EXPECT_NE(refusalOf([p = &globalNumber](int n) { return n + *p; }), "");
  EXPECT_NE(refusalOf([p = &inFunction](int n) { return n + *p; }), "");
  EXPECT_NE(refusalOf([p = "literal"](int n) { return n + *p; }), "");
  EXPECT_NE(refusalOf([p = &twice](int n) { return p(n); }), "")
      << "functions are elsewhere in other processes";
  EXPECT_NE(refusalOf([p = &::getpid](int n) { return n + p(); }), "");
}

struct Counter {
  int step = 1;
  auto makeCallback() {
    return [this](int item) { return item + step; };
  }
};

TEST(AddressCheckTest, RefusesACapturedThis) {
  Counter counter;
  EXPECT_THAT(refusalOf(counter.makeCallback()), HasSubstr("`this`"));
}

TEST(AddressCheckTest, PassesNumbersOfEverySize) {
  for (const double number : {0.0, -1.0, 1e-300, 1e300, 3.14159, 1e-310}) {
    EXPECT_EQ(refusalOf([number](int n) { return n * number; }), "") << number;
  }
  for (const std::uint64_t number :
       {std::uint64_t{0}, std::uint64_t{65'535}, std::uint64_t{1} << 20, std::uint64_t{1} << 63,
        ~std::uint64_t{0}}) {
    EXPECT_EQ(refusalOf([number](std::uint64_t n) { return n + number; }), "") << number;
  }
  EXPECT_EQ(
      refusalOf([null = static_cast<int*>(nullptr)](int n) { return null == nullptr ? n : 0; }),
      "");
}

TEST(AddressCheckTest, DoesNotTakeStaleBytesInPaddingForCaptures) {
  const auto make = [](char letter, double number) {
    return [letter, number](int n) { return n + letter + number; };
  };
  using Closure = decltype(make('a', 1.0));
  const Closure source = make('a', 1.0);
  alignas(Closure) std::array<std::byte, sizeof(Closure)> memory;
  const auto address = reinterpret_cast<std::uintptr_t>(&source);
  std::memcpy(memory.data(), &address, sizeof address);  // what was in this memory before
  auto* closure = std::launder(reinterpret_cast<Closure*>(memory.data()));
  std::memcpy(memory.data(), &source, 1);
  std::memcpy(memory.data() + 8, reinterpret_cast<const std::byte*>(&source) + 8, 8);
  EXPECT_EQ(refusalOf(*closure), "");
}

TEST(AddressCheckTest, AsBytesVouchesForWhatLooksLikeAnAddress) {
  const auto word = reinterpret_cast<std::uintptr_t>(&globalNumber);
  const auto callback = [word](std::uintptr_t n) { return n - word; };
  EXPECT_NE(refusalOf(callback), "");
  EXPECT_EQ(ship(asBytes(callback))(word + 4), 4u);
}

TEST(CodeAddressTest, IsAnOffsetAndFindsTheFunctionAgain) {
  const detail::CodeAddress address = detail::locateFunction(&twice);
  EXPECT_LT(address.offset, reinterpret_cast<std::uintptr_t>(&twice)) << "not an absolute address";
  EXPECT_EQ(detail::resolveFunction<int(int)>(address), &twice);
}

TEST(CodeAddressTest, PlacesWithoutCodeAreAPayloadError) {
  const detail::CodeAddress good = detail::locateFunction(&twice);
  EXPECT_THROW(detail::resolveCode({1'000'000, good.offset}), PayloadError);
  EXPECT_THROW(detail::resolveCode({~std::uint64_t{0}, good.offset}), PayloadError);
  EXPECT_THROW(detail::resolveCode({good.segment, ~std::uint64_t{0}}), PayloadError);
  EXPECT_THROW(detail::resolveCode({good.segment, 0}), PayloadError);
}

TEST(CodeAddressTest, DataIsNoCode) {
  EXPECT_THROW(detail::locateCode(&globalNumber), PortabilityError);
}

TEST(CodeAddressTest, ALibraryLoadedLaterIsNamedAndKnownAfterTheTableIsTakenAgain) {
  detail::refreshSegmentTable();
  const std::unique_ptr<void, int (*)(void*)> library(dlopen(LATE_LIBRARY, RTLD_NOW), dlclose);
  ASSERT_NE(library, nullptr) << dlerror();
  auto* triple = reinterpret_cast<int (*)(int)>(dlsym(library.get(), "triple"));
  ASSERT_NE(triple, nullptr);
  EXPECT_THAT(refusalOf(triple), AllOf(HasSubstr("late_library"), HasSubstr("loaded after")));
  const detail::CodeAddress before = detail::locateFunction(&twice);
  detail::refreshSegmentTable();
  EXPECT_EQ(ship(triple)(2), 6);
  EXPECT_EQ(detail::locateFunction(&twice), before) << "old places keep their numbers";
}

}  // namespace
}  // namespace procession::test
