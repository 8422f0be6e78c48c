#pragma once

// The standard types that Boost.Serialization carries, and those that this version of it does not: tuples, variants,
// optionals. The latter are switched off where Boost brings them.

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

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <variant>

#if __has_include(<boost/serialization/std_variant.hpp>) && BOOST_VERSION >= 107900
#define PROCESSION_BOOST_HAS_VARIANT 1
#include <boost/serialization/std_variant.hpp>
#endif
#if BOOST_VERSION >= 108300
#define PROCESSION_BOOST_HAS_OPTIONAL 1
#include <boost/serialization/optional.hpp>
#endif

namespace boost::serialization {

// One function for both directions: Boost's split_free would find the save and load of shared_ptr.hpp, which are
// declared for any template of one parameter.

#ifndef PROCESSION_BOOST_HAS_OPTIONAL
template <class Archive, class Value>
void serialize(Archive& archive, std::optional<Value>& optional, unsigned) {
  bool filled = optional.has_value();
  archive & filled;
  if constexpr (Archive::is_loading::value) {
    optional.reset();
    if (filled) {
      optional.emplace();
    }
  }
  if (filled) {
    archive & *optional;
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
  archive & index;
  if constexpr (Archive::is_loading::value) {
    if (!emplaceAlternative(variant, index, std::index_sequence_for<Values...>{})) {
      throw std::length_error("a variant's index is out of range");
    }
  }
  std::visit([&](auto& value) { archive & value; }, variant);
}
#endif

template <class Archive, class... Values>
void serialize(Archive& archive, std::tuple<Values...>& tuple, unsigned) {
  std::apply([&](auto&... values) { (void)(archive & ... & values); }, tuple);
}

}  // namespace boost::serialization
