#include "procession/serializable.hpp"

#include <gtest/gtest.h>

#include <bitset>
#include <chrono>
#include <limits>
#include <numeric>

#include "wire/wire_test_types.hpp"

namespace procession {

namespace test {

class Opaque {
 public:
  Opaque() {}  // NOLINT: not trivial, on purpose
  Opaque(const Opaque&) {}
};
/// Final: whether it has a private serialize cannot be seen from outside.
class Sealed final {
 public:
  Sealed() = default;
  explicit Sealed(std::string text) : text_(std::move(text)) {}
  friend bool operator==(const Sealed&, const Sealed&) = default;

 private:
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& text_;
  }
  std::string text_;
};
enum class Colour : std::uint8_t { Red = 1, Blue = 200 };

}  // namespace test

template <>
inline constexpr bool isSerializable<test::Sealed> = true;

namespace test {
namespace {

// What can be carried.
static_assert(Serializable<int> && Serializable<const double> && Serializable<bool> &&
              Serializable<Colour>);
static_assert(Serializable<Point> && Serializable<Kelvin> && Serializable<std::bitset<70>>);
static_assert(Serializable<std::chrono::nanoseconds> && Serializable<int[3]>);
static_assert(Serializable<std::string> && Serializable<std::vector<bool>>);
static_assert(Serializable<std::map<std::string, std::vector<std::optional<int>>>>);
static_assert(Serializable<std::tuple<>> && Serializable<std::monostate> &&
              Serializable<std::variant<int, std::string>>);
static_assert(Serializable<Account> && Serializable<Route> && Serializable<Named> &&
              Serializable<Sealed>);
static_assert(Serializable<std::unique_ptr<Account>> && Serializable<std::shared_ptr<TreeNode>>);

// What refers to memory that only its own process has.
static_assert(!Serializable<int*> && !Serializable<const char*> && !Serializable<void (*)(int)>);
static_assert(!Serializable<int Point::*> && !Serializable<std::nullptr_t>);
static_assert(!Serializable<int&> && !Serializable<const std::string&>);
static_assert(!Serializable<std::string_view> && !Serializable<std::wstring_view>);
static_assert(!Serializable<std::span<int>> && !Serializable<std::span<const double, 3>>);
static_assert(!Serializable<std::reference_wrapper<int>>);
// The same inside of other types, trivially copyable ones too.
static_assert(!Serializable<std::vector<int*>> && !Serializable<std::array<std::string_view, 2>>);
static_assert(!Serializable<std::pair<int, const char*>> &&
              !Serializable<std::tuple<int, std::string&>>);
static_assert(!Serializable<std::optional<std::span<int>>> &&
              !Serializable<std::variant<int, int*>>);
static_assert(!Serializable<std::map<std::string, std::string_view>> && !Serializable<int* [4]>);
static_assert(!Serializable<std::unique_ptr<int*>> &&
              !Serializable<std::shared_ptr<std::string_view>>);
// What nobody told how to save.
static_assert(!Serializable<Opaque> && !Serializable<std::vector<Opaque>> && !Serializable<void>);
static_assert(!Serializable<std::function<void()>> && !Serializable<int(int)>);

template <class Value>
void expectSame(const Value& value) {
  EXPECT_EQ(roundTrip(value), value);
}

TEST(SerializableTest, NumbersEnumsAndPlainClassesComeBack) {
  expectSame(true);
  expectSame(-7);
  expectSame(std::numeric_limits<std::uint64_t>::max());
  expectSame(std::numeric_limits<long double>::denorm_min());
  expectSame(Colour::Blue);
  expectSame(Point{1.5, -0.0});
  expectSame(Kelvin(273.15));
  expectSame(std::bitset<70>("1011"));
}

TEST(SerializableTest, PlainClassesTakeAsManyBytesAsTheyHave) {
  EXPECT_EQ(bytesOfEncoded(Point{1, 2}).size(), sizeof(Point));
  EXPECT_EQ(bytesOfEncoded(std::string(100, 'x')).size(), 100 + sizeof(std::uint64_t));
  EXPECT_EQ(bytesOfEncoded(std::vector<Point>(10)).size(),
            10 * sizeof(Point) + sizeof(std::uint64_t));
}

TEST(SerializableTest, StringsOfAnyContentComeBack) {
  expectSame(std::string());
  expectSame(std::string("null\0inside", 11));
  expectSame(std::string(100'000, 'x'));
  expectSame(std::wstring(L"wide \u20ac"));
  expectSame(std::u32string(U"\U0001F30D"));
}

TEST(SerializableTest, SequencesComeBackEmptyOrNot) {
  expectSame(std::vector<int>());
  expectSame(std::vector<double>{1, 2, 3});
  expectSame(std::vector<bool>{true, false, true});
  expectSame(std::vector<Kelvin>{Kelvin(1), Kelvin(2)});
  expectSame(std::vector<std::string>{"", "a", std::string(1000, 'b')});
  expectSame(std::deque<std::string>{"x", "y"});
  expectSame(std::list<Account>{{"ann", 1}, {"bob", -2}});
  expectSame(std::array<std::string, 2>{"left", "right"});
}

TEST(SerializableTest, AssociativeContainersComeBack) {
  expectSame(std::set<std::string>{"b", "a"});
  expectSame(std::multiset<int>{1, 1, 2});
  expectSame(std::map<std::string, std::vector<int>>{{"one", {1}}, {"none", {}}});
  expectSame(std::multimap<int, std::string>{{1, "a"}, {1, "b"}});
  expectSame(std::unordered_map<std::string, Account>{{"k", {"ann", 1}}});
  expectSame(std::unordered_set<int>{5, 6, 7});
}

TEST(SerializableTest, NestedContainersComeBack) {
  using Deep = std::map<std::string, std::vector<std::map<int, std::set<std::string>>>>;
  expectSame(Deep{{"a", {{{1, {"x", "y"}}}, {}}}, {"", {}}});
  expectSame(std::vector<std::vector<std::vector<std::string>>>{{{"a"}, {}}, {}});
}

TEST(SerializableTest, TuplesPairsOptionalsAndVariantsComeBack) {
  using Choice = std::variant<std::monostate, int, std::string, std::vector<std::string>>;
  expectSame(std::tuple<>());
  expectSame(std::tuple(1, std::string("two"), std::vector<double>{3}));
  expectSame(std::pair(std::string("a"), std::optional<std::string>()));
  expectSame(std::optional<int>(0));
  expectSame(std::optional<std::string>("present"));
  expectSame(std::optional<std::optional<std::string>>(std::optional<std::string>()));
  expectSame(Choice());
  expectSame(Choice(3));
  expectSame(Choice(std::vector<std::string>{"a", "b"}));
  expectSame(std::map<int, std::tuple<std::string, Choice, std::optional<std::string>>>{
      {1, {"a", "b", "c"}}});
}

TEST(SerializableTest, ClassesWithSerializeFunctionsComeBack) {
  expectSame(Account("ann", 12));
  expectSame(Route{{"here", "there"}, {{"child", 100}}});
  expectSame(Named("no default constructor"));
  expectSame(Sealed("final, vouched for by isSerializable"));
  expectSame(std::vector<Route>{{}, {{"x"}, {}}});
}

TEST(SerializableTest, UniquePointersOwnACopy) {
  std::map<int, std::unique_ptr<std::string>> texts;
  texts.emplace(1, std::make_unique<std::string>("text"));
  EXPECT_EQ(*roundTrip(texts).at(1), "text");
  EXPECT_EQ(*roundTrip(std::make_unique<Point>(Point{1, 2})), (Point{1, 2}));
  std::map<int, std::unique_ptr<Account>> accounts;
  accounts.emplace(1, std::make_unique<Account>("ann", 1));
  accounts.emplace(2, nullptr);
  const auto back = roundTrip(accounts);
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(*back.at(1), Account("ann", 1));
  EXPECT_EQ(back.at(2), nullptr);
}

TEST(SerializableTest, PlainClassesAndOtherStringsComeBackFromInsideOfContainers) {
  expectSame(std::map<std::string, Point>{{"a", {1, 2}}});
  expectSame(std::list<Kelvin>{Kelvin(1), Kelvin(2)});
  expectSame(std::map<int, std::chrono::nanoseconds>{{1, std::chrono::nanoseconds(5)}});
  expectSame(std::tuple<std::string, std::bitset<70>, Colour>{"a", 5, Colour::Red});
  expectSame(std::vector<std::array<Point, 2>>{{Point{1, 2}, Point{3, 4}}});
  expectSame(std::vector<std::vector<Point>>{{{1, 2}}, {}});
  expectSame(std::vector<std::u32string>{U"\U0001F30D", U""});
  expectSame(std::map<std::u16string, std::wstring>{{u"k", L"v"}});
}

TEST(SerializableTest, PointersToNumbersAndStringsComeBackAndStayShared) {
  const auto number = std::make_shared<int>(7);
  const auto text = std::make_shared<std::string>("t");
  using Pointers = std::tuple<std::vector<std::shared_ptr<int>>, std::shared_ptr<std::string>,
                              std::map<int, std::shared_ptr<std::string>>>;
  const auto [numbers, one, others] =
      roundTrip(Pointers({number, nullptr, number}, text, {{1, text}}));
  ASSERT_EQ(numbers.size(), 3u);
  EXPECT_EQ(*numbers[0], 7);
  EXPECT_EQ(numbers[0], numbers[2]);
  EXPECT_EQ(numbers[1], nullptr);
  EXPECT_EQ(*one, "t");
  EXPECT_EQ(others.at(1), one);
}

TEST(SerializableTest, SharedPointersToOneObjectStaySharedWithinAValue) {
  auto shared = std::make_shared<TreeNode>(TreeNode{7, nullptr, nullptr});
  const auto root = std::make_shared<TreeNode>(TreeNode{1, shared, shared});
  const auto back = roundTrip(root);
  ASSERT_NE(back->left, nullptr);
  EXPECT_EQ(back->left, back->right);
  EXPECT_EQ(back->left->value, 7);
  EXPECT_NE(back->left, shared);
}

TEST(SerializableTest, ValuesAtOneAddressDoNotTurnIntoOneAnother) {
  detail::HeapPayload payload;
  for (int i = 0; i < 3; ++i) {
    const auto value = std::make_shared<TreeNode>(TreeNode{i, nullptr, nullptr});
    detail::encode(payload, value);
  }
  detail::PayloadReader reader(payload.view());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(detail::decode<std::shared_ptr<TreeNode>>(reader)->value, i);
  }
  reader.expectEnd();
}

TEST(SerializableTest, ValuesFollowOneAnotherWithoutGaps) {
  detail::HeapPayload payload;
  detail::encode(payload, 'c');  // what follows is not aligned
  detail::encode(payload, std::vector<double>{1, 2});
  detail::encode(payload, Route{{"a"}, {}});
  detail::encode(payload, 3.5);
  detail::PayloadReader reader(payload.view());
  EXPECT_EQ(detail::decode<char>(reader), 'c');
  EXPECT_EQ(detail::decode<std::vector<double>>(reader), (std::vector<double>{1, 2}));
  EXPECT_EQ(detail::decode<Route>(reader), (Route{{"a"}, {}}));
  EXPECT_EQ(detail::decode<double>(reader), 3.5);
  reader.expectEnd();
}

}  // namespace
}  // namespace test
}  // namespace procession
