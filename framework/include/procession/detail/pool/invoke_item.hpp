#pragma once

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "procession/detail/wire/callback_codec.hpp"
#include "procession/portable.hpp"
#include "procession/serializable.hpp"

namespace procession::detail {

/// Calls `callback` with an item: as it comes, or with a copy of its own where the callback wants
/// to change it.
template <class Callback, class Item>
decltype(auto) invokeItem(Callback& callback, Item&& item) {
  using Value = std::remove_cvref_t<Item>;
  if constexpr (std::is_invocable_v<Callback&, Item&&>) {
    return std::invoke(callback, std::forward<Item>(item));
  } else if constexpr (std::is_invocable_v<Callback&, Value&>) {
    Value own(std::forward<Item>(item));
    return std::invoke(callback, own);
  } else {
    static_assert(std::is_invocable_v<Callback&, Value>,
                  "procession: the callback cannot be called with an item of this range (check its "
                  "parameter type).");
    return std::invoke(callback, Value(std::forward<Item>(item)));
  }
}

/// A callback over the elements of a tuple-like item: starmap.
template <class Callback>
struct Starred {
  Callback callback;

  template <class Tuple>
    requires requires(Callback& called, Tuple&& tuple) {
      std::apply(called, std::forward<Tuple>(tuple));
    }
  decltype(auto) operator()(Tuple&& tuple) {
    return std::apply(callback, std::forward<Tuple>(tuple));
  }
};

template <class Callback>
inline constexpr bool isLocalOnly<Starred<Callback>> = isLocalOnly<Callback>;

/// What a callback returns for an item, as a value.
template <class Callback, class Item>
using ItemResult =
    std::decay_t<decltype(invokeItem(std::declval<Callback&>(), std::declval<const Item&>()))>;

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
  template <class Tuple>
  decltype(auto) operator()(Tuple&& tuple) {
    return std::apply(callback_.get(), std::forward<Tuple>(tuple));
  }

 private:
  ShippedCallback<Callback> callback_;
};

}  // namespace procession::detail
