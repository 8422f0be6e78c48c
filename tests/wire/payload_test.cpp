#include "procession/detail/wire/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <random>

#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"
#include "wire/largest_request.hpp"
#include "wire/wire_test_types.hpp"

namespace procession::test {
namespace {

using detail::ByteView;
using detail::HeapPayload;
using detail::PayloadReader;
using testing::HasSubstr;

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(HeapPayloadTest, KeepsItsContentWhileItGrowsIntoMappedMemory) {
  HeapPayload payload;
  std::vector<std::uint64_t> block(1000);
  for (std::uint64_t i = 0; payload.size() < 5 * kMiB;
       ++i) {  // from the heap to a mapping at 2 MiB, and on
    std::iota(block.begin(), block.end(), i * block.size());
    payload.write(block.data(), block.size() * sizeof block[0]);
  }
  PayloadReader reader(payload.view());
  for (std::uint64_t word = 0; reader.remaining() != 0; ++word) {
    ASSERT_EQ(reader.readWord(), word);
  }
}

TEST(HeapPayloadTest, TakesAWriteThatIsLargeFromTheStart) {
  HeapPayload payload;
  const std::vector<char> large(3 * kMiB, 'x');
  payload.write("abc", 3);
  payload.write(large.data(), large.size());
  EXPECT_EQ(payload.size(), 3 + large.size());
  EXPECT_EQ(std::memcmp(payload.data(), "abcx", 4), 0);
}

TEST(HeapPayloadTest, LaysItsContentOutForOverAlignedTypes) {
  for (const std::size_t size : {std::size_t{64}, std::size_t{5000}, 3 * kMiB}) {
    HeapPayload payload;
    payload.claim(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(payload.data()) % 64, 0u) << size;
  }
}

TEST(HeapPayloadTest, AnAbsurdSizeIsOutOfMemoryAndNotAWrapAround) {
  HeapPayload payload;
  payload.writeWord(1);
  EXPECT_THROW(payload.claim(std::numeric_limits<std::size_t>::max() - 4), std::bad_alloc);
  EXPECT_EQ(payload.size(), sizeof(std::uint64_t));
}

TEST(HeapPayloadTest, IsCutBackToWhatCounts) {
  HeapPayload payload;
  payload.writeWord(1);
  payload.writeWord(2);
  payload.truncate(sizeof(std::uint64_t));
  payload.writeWord(3);
  PayloadReader reader(payload.view());
  EXPECT_EQ(reader.readWord(), 1u);
  EXPECT_EQ(reader.readWord(), 3u);
}

TEST(HeapPayloadTest, LeavesBorrowedBytesWhereTheyAre) {
  const std::vector<std::byte> bytes(3 * kMiB, std::byte{7});
  {
    const auto payload = HeapPayload::borrow(bytes);
    EXPECT_EQ(payload->view().data(), bytes.data());
    EXPECT_EQ(payload->size(), bytes.size());
  }
  EXPECT_EQ(bytes.back(), std::byte{7});
}

TEST(PayloadReaderTest, ReadsNothingPastTheEnd) {
  const std::array<std::byte, 10> bytes{};
  PayloadReader reader(bytes);
  reader.take(4);
  EXPECT_THROW(reader.take(7), PayloadError);
  EXPECT_THROW(reader.readWord(), PayloadError);
  EXPECT_THROW(reader.take(std::numeric_limits<std::size_t>::max()), PayloadError);
  EXPECT_EQ(reader.remaining(), 6u);
  EXPECT_THROW(reader.expectEnd(), PayloadError);
  reader.take(6);
  reader.expectEnd();
}

TEST(PayloadReaderTest, ABoolIsOneOfTwoBytes) {
  const auto decoded = [](unsigned char byte) {
    PayloadReader reader(std::as_bytes(std::span(&byte, 1)));
    return decode<bool>(reader);
  };
  EXPECT_FALSE(decoded(0));
  EXPECT_TRUE(decoded(1));
  EXPECT_THROW(decoded(2), PayloadError);
}

/// How the bytes decode: the value, or nothing for a PayloadError. Anything else passes through and
/// fails the test.
template <class Value>
bool decodes(ByteView bytes) {
  try {
    static_cast<void>(decodeAll<Value>(bytes));
    return true;
  } catch (const PayloadError&) {
    return false;
  }
}

template <class Value>
void expectPayloadErrors(const Value& value) {
  const std::string type = detail::demangle(typeid(Value));
  const std::vector<std::byte> whole = bytesOfEncoded(value);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> truncated(whole.begin(),
                                           whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decodes<Value>(truncated))
        << type << " from " << size << " of " << whole.size() << " bytes";
  }
  std::vector<std::byte> longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decodes<Value>(longer)) << type;

  LargestRequest memory;
  std::mt19937 random(4711);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::byte> damaged = whole;
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    }
    static_cast<void>(decodes<Value>(damaged));
    std::generate(damaged.begin(), damaged.end(), [&] { return static_cast<std::byte>(random()); });
    static_cast<void>(decodes<Value>(damaged));
    std::fill(damaged.begin(), damaged.end(), static_cast<std::byte>(random()));
    static_cast<void>(decodes<Value>(damaged));
  }
  EXPECT_LT(memory.bytes(), kMiB) << type << ": a wrong length asked for memory";
}

TEST(MalformedPayloadTest, TruncatedOrDamagedRawValuesAreRefusedOrRead) {
  expectPayloadErrors(7);
  expectPayloadErrors(Point{1, 2});
  expectPayloadErrors(std::string("hello, world"));
  expectPayloadErrors(std::vector<double>{1, 2, 3});
  expectPayloadErrors(std::u32string(U"wide"));
}

TEST(MalformedPayloadTest, TruncatedOrDamagedArchivesAreRefused) {
  expectPayloadErrors(std::vector<std::string>{"a", "bc"});
  expectPayloadErrors(std::map<std::string, std::vector<int>>{{"a", {1, 2}}});
  expectPayloadErrors(std::unordered_map<std::string, int>{{"a", 1}});
  expectPayloadErrors(std::variant<int, std::string>("text"));
  expectPayloadErrors(std::optional<std::string>("text"));
  expectPayloadErrors(std::make_shared<TreeNode>());
  expectPayloadErrors(std::list<std::unique_ptr<int>>{});
  expectPayloadErrors(std::deque<Account>{{"ann", 1}});
  expectPayloadErrors(Route{{"a"}, {{"b", 1}}});
  expectPayloadErrors(Named("name"));
}

TEST(MalformedPayloadTest, EveryFlippedBitOfAnArchiveIsNoticed) {
  using Value = std::map<std::string, std::shared_ptr<int>>;
  const std::vector<std::byte> whole =
      bytesOfEncoded(Value{{"a", std::make_shared<int>(1)}, {"b", nullptr}});
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::vector<std::byte> damaged = whole;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_FALSE(decodes<Value>(damaged)) << "bit " << bit;
  }
}

TEST(MalformedPayloadTest, TheErrorNamesTheType) {
  const std::vector<std::byte> zeros(4);
  try {
    static_cast<void>(decodeAll<Account>(zeros));
    FAIL();
  } catch (const PayloadError& error) {
    EXPECT_THAT(error.what(), HasSubstr("procession::test::Account"));
  }
}

/// Its two directions disagree.
struct Lopsided {
  int first = 1;
  std::string second = "saved, never loaded";
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& first;
    if constexpr (Archive::is_saving::value) {
      archive& second;
    }
  }
};

TEST(MalformedPayloadTest, AClassThatLoadsLessThanItSavesIsToldSo) {
  try {
    static_cast<void>(roundTrip(Lopsided{}));
    FAIL();
  } catch (const PayloadError& error) {
    EXPECT_THAT(error.what(), HasSubstr("Lopsided"));
    EXPECT_THAT(error.what(), HasSubstr("its serialize function reads"));
  }
}

}  // namespace
}  // namespace procession::test
