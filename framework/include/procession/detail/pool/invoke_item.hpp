#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "procession/detail/pool/random_argument.hpp"
#include "procession/detail/wire/callback_codec.hpp"
#include "procession/portable.hpp"
#include "procession/serializable.hpp"

namespace procession::detail {

/// Whether passItem can call `callback` with an item and what else there is.
template <class Callback, class Item, class... Others>
inline constexpr bool takesItem =
    std::disjunction_v<std::is_invocable<Callback&, Item, Others...>,
                       std::is_invocable<Callback&, std::remove_cvref_t<Item>&, Others...>,
                       std::is_invocable<Callback&, std::remove_cvref_t<Item>, Others...>>;

/// Calls `callback` with an item: as it comes, or with a copy of its own where the callback wants
/// to change it.
template <class Callback, class Item, class... Others>
decltype(auto) passItem(Callback& callback, Item&& item, Others&... others) {
  using Value = std::remove_cvref_t<Item>;
  if constexpr (std::is_invocable_v<Callback&, Item&&, Others&...>) {
    return std::invoke(callback, std::forward<Item>(item), others...);
  } else if constexpr (std::is_invocable_v<Callback&, Value&, Others&...>) {
    Value own(std::forward<Item>(item));
    return std::invoke(callback, own, others...);
  } else {
    return std::invoke(callback, Value(std::forward<Item>(item)), others...);
  }
}

/// Calls `callback` with an item; and with the item's stream of random numbers where it cannot be
/// called without.
template <class Callback, class Item>
decltype(auto) invokeItem(Callback& callback, Item&& item, const StreamPlace& place) {
  if constexpr (takesItem<Callback, Item&&>) {
    return passItem(callback, std::forward<Item>(item));
  } else {
    requireRandomByReference<Callback>();
    static_assert(takesRandomOtherwise<Callback> || takesItem<Callback, Item&&, Random&>,
                  "procession: the callback cannot be called with an item of this range (check its "
                  "parameter type), nor with an item and a Random&.");
    Random random(place.seed, place.item);
    return passItem(callback, std::forward<Item>(item), random);
  }
}

template <class Callback, class Tuple, class... Others>
consteval bool takesElements() {
  return []<std::size_t... i>(std::index_sequence<i...>) {
    return std::is_invocable_v<Callback&, decltype(std::get<i>(std::declval<Tuple>()))...,
                               Others...>;
  }(std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<Tuple>>>());
}

template <class Callback, class Tuple, class... Others>
decltype(auto) passElements(Callback& callback, Tuple&& tuple, Others&... others) {
  return std::apply(
      [&]<class... Elements>(Elements&&... elements) -> decltype(auto) {
        return std::invoke(callback, std::forward<Elements>(elements)..., others...);
      },
      std::forward<Tuple>(tuple));
}

/// A callback over the elements of a tuple-like item: starmap.
template <class Callback>
struct Starred {
  Callback callback;

  template <class Tuple, class... Others>
    requires(takesElements<Callback, Tuple &&, Others&...>())
  decltype(auto) operator()(Tuple&& tuple, Others&... others) {
    return passElements(callback, std::forward<Tuple>(tuple), others...);
  }
};

template <class Callback>
inline constexpr bool isLocalOnly<Starred<Callback>> = isLocalOnly<Callback>;
template <class Callback>
inline constexpr bool takesRandomOtherwise<Starred<Callback>> = takesRandomOtherwise<Callback>;

/// What a callback returns for an item, as a value.
template <class Callback, class Item>
using ItemResult = std::decay_t<decltype(invokeItem(
    std::declval<Callback&>(), std::declval<const Item&>(), std::declval<const StreamPlace&>()))>;

/// Stands in for void until a message has told that it is not allowed.
template <class Result>
using NotVoid = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;

template <class Result>
consteval void requireCarriedResult() {
  static_assert(!refersToMemory<Result>,
                "procession: the callback returns a pointer or a view (std::string_view, "
                "std::span, ...), which means "
                "nothing in another process. Return a value that owns its data.");
  static_assert(refersToMemory<Result> || Serializable<Result>,
                "procession: the callback's result cannot be carried between processes. Make its "
                "class trivially "
                "copyable, give it a Boost `serialize` function, or specialise "
                "procession::isSerializable for it.");
}

/// How a callback stands in a kernel. Portable ones are rebuilt from their bytes; a local-only one
/// is the parent's own object, which the worker inherited at its fork.
template <class Callback>
class ShippedCallback {
 public:
  explicit ShippedCallback(PayloadReader& setup) : callback_(decodeCallback<Callback>(setup)) {}
  static void ship(PayloadWriter& setup, const Callback& callback) {
    encodeCallback(setup, callback);
  }

  Callback& get() { return callback_; }

 private:
  Callback callback_;
};

template <class Callback>
class ShippedCallback<LocalOnly<Callback>> {
 public:
  explicit ShippedCallback(PayloadReader& setup)
      : callback_(reinterpret_cast<Callback*>(setup.readWord())) {}
  static void ship(PayloadWriter& setup, const LocalOnly<Callback>& callback) {
    setup.writeWord(reinterpret_cast<std::uint64_t>(&callback.callback));
  }

  Callback& get() { return *callback_; }

 private:
  Callback* callback_;
};

template <class Callback>
class ShippedCallback<Starred<Callback>> {
 public:
  explicit ShippedCallback(PayloadReader& setup) : callback_(setup) {}
  static void ship(PayloadWriter& setup, const Starred<Callback>& callback) {
    ShippedCallback<Callback>::ship(setup, callback.callback);
  }

  auto& get() { return *this; }
  template <class Tuple, class... Others>
    requires(takesElements<Callback, Tuple &&, Others&...>())
  decltype(auto) operator()(Tuple&& tuple, Others&... others) {
    return passElements(callback_.get(), std::forward<Tuple>(tuple), others...);
  }

 private:
  ShippedCallback<Callback> callback_;
};

/// How a callback on items stands in a kernel: with the seed of its random streams where it takes
/// any.
template <class Callback, class Item>
class ItemCallback {
 public:
  explicit ItemCallback(PayloadReader& setup)
      : callback_(setup), seed_(kTakesRandom ? setup.readWord() : 0) {}
  static void ship(PayloadWriter& setup, const Callback& callback, std::uint64_t seed) {
    ShippedCallback<Callback>::ship(setup, callback);
    if (kTakesRandom) {
      setup.writeWord(seed);
    }
  }

  template <class Given>
  decltype(auto) operator()(std::uint64_t index, Given&& item) {
    return invokeItem(callback_.get(), std::forward<Given>(item), StreamPlace{seed_, index});
  }

 private:
  static constexpr bool kTakesRandom = !takesItem<Callback, const Item&>;

  ShippedCallback<Callback> callback_;
  std::uint64_t seed_;
};

}  // namespace procession::detail
