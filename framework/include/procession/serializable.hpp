#pragma once

#include <array>
#include <complex>
#include <concepts>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace boost::serialization {
class access;
}

namespace procession {

/// Says that a type can be carried between processes where the concept Serializable cannot see it:
///
///     // Boost can save and load it.
///     template <> inline constexpr bool procession::isSerializable<Grid> = true;
template <class Value>
inline constexpr bool isSerializable = false;

namespace detail {

/// An archive that accepts everything, to ask whether a type has a serialize function.
struct ProbeArchive {
  template <class Value>
  ProbeArchive& operator&(const Value&);
  template <class Value>
  ProbeArchive& operator<<(const Value&);
  template <class Value>
  ProbeArchive& operator>>(Value&);
};

// A class that inherits from `Value` and from a base with a member of that name: naming it is
// ambiguous exactly when `Value` has one too, private or not.
struct HasSerializeName {
  int serialize;
};
template <class Value>
struct SerializeProbe : Value, HasSerializeName {};

template <class Value>
concept NamesSerialize = std::is_class_v<Value> && !std::is_final_v<Value> &&
                         !requires { &SerializeProbe<Value>::serialize; };
template <class Value>
concept CallsSerialize =
    requires(Value value, ProbeArchive archive) { value.serialize(archive, 0u); };
template <class Value>
concept FreeSerialize =
    requires(Value value, ProbeArchive archive) { serialize(archive, value, 0u); };

/// Refers to memory of its own process; carrying its bytes would carry a dangling address.
template <class Value>
inline constexpr bool refersToMemory =
    std::is_pointer_v<Value> || std::is_member_pointer_v<Value> || std::is_reference_v<Value> ||
    std::is_null_pointer_v<Value>;
template <class Value, std::size_t extent>
inline constexpr bool refersToMemory<std::span<Value, extent>> = true;
template <class Character, class Traits>
inline constexpr bool refersToMemory<std::basic_string_view<Character, Traits>> = true;
template <class Value>
inline constexpr bool refersToMemory<std::reference_wrapper<Value>> = true;

template <class Value>
struct StandardType : std::false_type {};

template <class Value>
consteval bool canBeCarried() {
  if constexpr (refersToMemory<Value>) {
    return false;
  } else if constexpr (isSerializable<Value> || std::is_arithmetic_v<Value> ||
                       std::is_enum_v<Value>) {
    return true;
  } else if constexpr (StandardType<Value>::value) {
    return StandardType<Value>::carried();
  } else if constexpr (std::is_array_v<Value>) {
    return canBeCarried<std::remove_all_extents_t<Value>>();
  } else if constexpr (std::is_trivially_copyable_v<Value> &&
                       (std::is_class_v<Value> || std::is_union_v<Value>)) {
    return true;
  } else if constexpr (std::is_class_v<Value>) {
    return NamesSerialize<Value> || CallsSerialize<Value> || FreeSerialize<Value>;
  } else {
    return false;
  }
}

template <class... Values>
struct CarriesAll : std::true_type {
  static consteval bool carried() { return (canBeCarried<std::remove_const_t<Values>>() && ...); }
};

template <class Value, std::size_t size>
struct StandardType<std::array<Value, size>> : CarriesAll<Value> {};
template <class Real>
struct StandardType<std::complex<Real>> : CarriesAll<Real> {};
template <class First, class Second>
struct StandardType<std::pair<First, Second>> : CarriesAll<First, Second> {};
template <class... Values>
struct StandardType<std::tuple<Values...>> : CarriesAll<Values...> {};
template <class... Values>
struct StandardType<std::variant<Values...>> : CarriesAll<Values...> {};
template <>
struct StandardType<std::monostate> : CarriesAll<> {};
template <class Value>
struct StandardType<std::optional<Value>> : CarriesAll<Value> {};
template <class Value>
struct StandardType<std::unique_ptr<Value>> : CarriesAll<Value> {};
template <class Value>
struct StandardType<std::shared_ptr<Value>> : CarriesAll<Value> {};
template <class Character, class Traits, class Allocator>
struct StandardType<std::basic_string<Character, Traits, Allocator>> : CarriesAll<Character> {};
template <class Value, class Allocator>
struct StandardType<std::vector<Value, Allocator>> : CarriesAll<Value> {};
template <class Value, class Allocator>
struct StandardType<std::deque<Value, Allocator>> : CarriesAll<Value> {};
template <class Value, class Allocator>
struct StandardType<std::list<Value, Allocator>> : CarriesAll<Value> {};
template <class Key, class... Rest>
struct StandardType<std::set<Key, Rest...>> : CarriesAll<Key> {};
template <class Key, class... Rest>
struct StandardType<std::multiset<Key, Rest...>> : CarriesAll<Key> {};
template <class Key, class... Rest>
struct StandardType<std::unordered_set<Key, Rest...>> : CarriesAll<Key> {};
template <class Key, class Value, class... Rest>
struct StandardType<std::map<Key, Value, Rest...>> : CarriesAll<Key, Value> {};
template <class Key, class Value, class... Rest>
struct StandardType<std::multimap<Key, Value, Rest...>> : CarriesAll<Key, Value> {};
template <class Key, class Value, class... Rest>
struct StandardType<std::unordered_map<Key, Value, Rest...>> : CarriesAll<Key, Value> {};

template <class Value>
consteval bool bringsSerialize() {
  if constexpr (StandardType<Value>::value) {
    return false;
  } else {
    return NamesSerialize<Value> || CallsSerialize<Value> || FreeSerialize<Value>;
  }
}

/// Sent as its bytes. Standard templates count only where their elements do (an array of pointers
/// is no value), and a class that brings a serialize function is asked instead.
template <class Value>
concept RawBytes =
    std::is_trivially_copyable_v<Value> && canBeCarried<Value>() && !bringsSerialize<Value>();

}  // namespace detail

/// A value that can be carried to another process: arithmetic, enum, the standard containers and
/// vocabulary types of such, a trivially copyable class, a class with a `serialize` member or free
/// function (Boost.Serialization), or one for which `isSerializable` says so. Pointers, references
/// and views are refused: they mean nothing elsewhere.
template <class Value>
concept Serializable = std::is_object_v<Value> && detail::canBeCarried<std::remove_cv_t<Value>>();

}  // namespace procession
