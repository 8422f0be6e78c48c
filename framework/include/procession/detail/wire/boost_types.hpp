#pragma once

// The standard types that Boost.Serialization carries, and those that this version of it does not:
// tuples, variants, optionals (switched off where Boost brings them), strings of other characters,
// smart pointers to numbers and strings, and classes that are carried as their bytes, when they lie
// inside of others.

#include <boost/version.hpp>
// Boost 1.74's unordered containers use this header without including it.
#include <boost/serialization/library_version_type.hpp>

#include <boost/serialization/array.hpp>
#include <boost/serialization/complex.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/list.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/unordered_map.hpp>
#include <boost/serialization/unordered_set.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "procession/serializable.hpp"

#if __has_include(<boost/serialization/std_variant.hpp>) && BOOST_VERSION >= 107900
#define PROCESSION_BOOST_HAS_VARIANT 1
#include <boost/serialization/std_variant.hpp>
#endif
#if BOOST_VERSION >= 108300
#define PROCESSION_BOOST_HAS_OPTIONAL 1
#include <boost/serialization/optional.hpp>
#endif

namespace procession::detail {

/// Has no serialize function of its own and needs none. Not for the archive with which that is
/// asked.
template <class Value, class Archive>
concept RawClassFor = !std::is_same_v<Archive, ProbeArchive> &&
                      (std::is_class_v<Value> || std::is_union_v<Value>)&&RawBytes<Value>;

/// Boost does not follow pointers to these: it cannot recognise objects without an identity.
template <class Value>
concept WithoutIdentity = boost::serialization::implementation_level<Value>::value ==
                          boost::serialization::primitive_type;

/// The objects of one type that an archive's shared pointers share.
template <class Value>
struct SharedObjects {
  std::map<const void*, std::uint32_t> places;  // saving
  std::vector<std::shared_ptr<Value>> objects;  // loading

  static void* id() {
    static char identity;
    return &identity;
  }
};

}  // namespace procession::detail

namespace boost::serialization {

template <class Archive, procession::detail::RawClassFor<Archive> Value>
void serialize(Archive& archive, Value& value, const unsigned) {
  if constexpr (Archive::is_loading::value) {
    archive.load_binary(&value, sizeof value);
  } else {
    archive.save_binary(&value, sizeof value);
  }
}
/// Nothing to do: its bytes make the object.
template <class Archive, procession::detail::RawClassFor<Archive> Value>
  requires(!std::is_default_constructible_v<Value>)
void load_construct_data(Archive&, Value*, const unsigned) {}

template <class Archive, class Character, class Traits, class Allocator>
void serialize(Archive& archive, std::basic_string<Character, Traits, Allocator>& string,
               const unsigned) {
  std::uint64_t size = string.size();
  archive& size;
  if constexpr (Archive::is_loading::value) {
    string.resize(size);
    archive.load_binary(string.data(), size * sizeof(Character));
  } else {
    archive.save_binary(string.data(), size * sizeof(Character));
  }
}

template <class Archive, procession::detail::WithoutIdentity Value>
void serialize(Archive& archive, std::unique_ptr<Value>& pointer, const unsigned) {
  bool filled = pointer != nullptr;
  archive& filled;
  if constexpr (Archive::is_loading::value) {
    pointer = filled ? std::make_unique<Value>() : nullptr;
  }
  if (filled) {
    archive&* pointer;
  }
}

/// Null is place 0; an object follows its place where that comes first.
template <class Archive, procession::detail::WithoutIdentity Value>
void serialize(Archive& archive, std::shared_ptr<Value>& pointer, const unsigned) {
  using Shared = procession::detail::SharedObjects<Value>;
  auto& shared = archive.template get_helper<Shared>(Shared::id());
  std::uint32_t place = 0;
  if constexpr (Archive::is_loading::value) {
    archive& place;
    if (place > shared.objects.size() + 1) {
      throw std::length_error("a shared pointer's place is out of range");
    }
    if (place == shared.objects.size() + 1) {
      shared.objects.push_back(std::make_shared<Value>());
      archive&* shared.objects.back();
    }
    pointer = place == 0 ? nullptr : shared.objects[place - 1];
  } else {
    bool isFirst = false;
    if (pointer != nullptr) {
      const auto next = static_cast<std::uint32_t>(shared.places.size() + 1);
      const auto [entry, inserted] = shared.places.emplace(pointer.get(), next);
      place = entry->second;
      isFirst = inserted;
    }
    archive& place;
    if (isFirst) {
      archive&* pointer;
    }
  }
}

// One function for both directions: Boost's split_free would find the save and load of
// shared_ptr.hpp, which are declared for any template of one parameter.

#ifndef PROCESSION_BOOST_HAS_OPTIONAL
template <class Archive, class Value>
void serialize(Archive& archive, std::optional<Value>& optional, unsigned) {
  bool filled = optional.has_value();
  archive& filled;
  if constexpr (Archive::is_loading::value) {
    optional.reset();
    if (filled) {
      optional.emplace();
    }
  }
  if (filled) {
    archive&* optional;
  }
}
#endif

#ifndef PROCESSION_BOOST_HAS_VARIANT
template <class Archive>
void serialize(Archive&, std::monostate&, unsigned) {}

template <class... Values, std::size_t... indices>
bool emplaceAlternative(std::variant<Values...>& variant, std::uint32_t index,
                        std::index_sequence<indices...>) {
  return ((index == indices && (variant.template emplace<indices>(), true)) || ...);
}
template <class Archive, class... Values>
void serialize(Archive& archive, std::variant<Values...>& variant, unsigned) {
  auto index = static_cast<std::uint32_t>(variant.index());
  archive& index;
  if constexpr (Archive::is_loading::value) {
    if (!emplaceAlternative(variant, index, std::index_sequence_for<Values...>{})) {
      throw std::length_error("a variant's index is out of range");
    }
  }
  std::visit([&](auto& value) { archive& value; }, variant);
}
#endif

template <class Archive, class... Values>
void serialize(Archive& archive, std::tuple<Values...>& tuple, unsigned) {
  std::apply([&](auto&... values) { (void)(archive & ... & values); }, tuple);
}

}  // namespace boost::serialization
