#pragma once

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "procession/serializable.hpp"

namespace procession {

/// A function with its first arguments bound, for callbacks that need data of their own:
///
///     pool.map(files, bindFront(countWords, stopWords));   // countWords(stopWords, file)
///
/// The function must be portable by itself (a function, a captureless lambda, a closure of plain
/// values); the values are carried by Boost.Serialization, once per worker per operation, and
/// passed as const references.
template <class Function, class... Values>
class BoundFront {
 public:
  BoundFront(Function function, std::tuple<Values...> values)
      : function_(std::move(function)), values_(std::move(values)) {}

  template <class... Arguments>
    requires std::is_invocable_v<const Function&, const Values&..., Arguments...>
  decltype(auto) operator()(Arguments&&... arguments) const {
    return std::apply(
        [&](const Values&... values) -> decltype(auto) {
          return std::invoke(function_, values..., std::forward<Arguments>(arguments)...);
        },
        values_);
  }

  [[nodiscard]] const Function& getFunction() const { return function_; }
  [[nodiscard]] const std::tuple<Values...>& getValues() const { return values_; }

 private:
  Function function_;
  std::tuple<Values...> values_;
};

template <class Function, class... Values>
[[nodiscard]] auto bindFront(Function function, Values... values) {
  return BoundFront<Function, Values...>(std::move(function), {std::move(values)...});
}

/// A closure sent as its bytes without a look at them: the caller vouches that no word in it is an
/// address that other processes do not know. Only for trivially copyable closures.
template <class Callback>
struct AsBytes {
  Callback callback;

  template <class... Arguments>
    requires std::is_invocable_v<Callback&, Arguments...>
  decltype(auto) operator()(Arguments&&... arguments) {
    return std::invoke(callback, std::forward<Arguments>(arguments)...);
  }
};

template <class Callback>
[[nodiscard]] AsBytes<Callback> asBytes(Callback callback) {
  static_assert(std::is_trivially_copyable_v<Callback>,
                "procession: asBytes(callback) takes only trivially copyable callables, whose "
                "bytes are all there is "
                "to send. For captured strings or containers use bindFront(function, values...).");
  return {std::move(callback)};
}

/// A callback that never leaves this machine: any callable, with any captures. The fork backend
/// forks workers from the calling process at each call, so that they inherit all that the callback
/// refers to. Not possible on the mpi backend.
template <class Callback>
struct LocalOnly {
  Callback callback;

  template <class... Arguments>
    requires std::is_invocable_v<Callback&, Arguments...>
  decltype(auto) operator()(Arguments&&... arguments) {
    return std::invoke(callback, std::forward<Arguments>(arguments)...);
  }
};

template <class Callback>
[[nodiscard]] LocalOnly<Callback> localOnly(Callback callback) {
  return {std::move(callback)};
}

namespace detail {

template <class Callback>
inline constexpr bool isBoundFront = false;
template <class Function, class... Values>
inline constexpr bool isBoundFront<BoundFront<Function, Values...>> = true;
template <class Callback>
inline constexpr bool isAsBytes = false;
template <class Callback>
inline constexpr bool isAsBytes<AsBytes<Callback>> = true;
template <class Callback>
inline constexpr bool isLocalOnly = false;
template <class Callback>
inline constexpr bool isLocalOnly<LocalOnly<Callback>> = true;

template <class Callback>
inline constexpr bool isFunctionPointer =
    std::is_pointer_v<Callback> && std::is_function_v<std::remove_pointer_t<Callback>>;

/// Sent as its bytes, after a look at them.
template <class Callback>
inline constexpr bool isPlainClosure =
    std::is_class_v<Callback> && !isLocalOnly<Callback> && !isAsBytes<Callback> &&
    !isBoundFront<Callback> && std::is_trivially_copyable_v<Callback> &&
    std::is_standard_layout_v<Callback> && !bringsSerialize<Callback>();

template <class Callback>
consteval bool isPortable() {
  if constexpr (isBoundFront<Callback>) {
    return
        []<class Function, class... Values>(std::type_identity<BoundFront<Function, Values...>>) {
          return isPortable<Function>() && (Serializable<Values> && ...);
        }(std::type_identity<Callback>{});
  } else if constexpr (isLocalOnly<Callback>) {
    return false;
  } else if constexpr (std::is_class_v<Callback>) {
    return isAsBytes<Callback> || isPlainClosure<Callback> || bringsSerialize<Callback>();
  } else {
    return isFunctionPointer<Callback>;
  }
}

}  // namespace detail

/// A callback that may be sent to another process:
///  1. a function pointer, a captureless lambda, or a closure that is trivially copyable and
///  standard layout;
///  2. bindFront(function, values...), or a function object with a Boost `serialize` member.
template <class Callback>
concept PortableCallback = detail::isPortable<std::remove_cvref_t<Callback>>();

namespace detail {

template <class Callback>
inline constexpr bool bindsPortableValues = true;
template <class Function, class... Values>
inline constexpr bool bindsPortableValues<BoundFront<Function, Values...>> =
    (Serializable<Values> && ...);

/// The one place where a user is told why a callback is refused. A pool also takes localOnly(...).
template <class Callback>
consteval void requirePoolCallback() {
  static_assert(bindsPortableValues<Callback>,
                "procession: a value given to bindFront(function, values...) cannot be sent to "
                "another process. Pointers and views mean nothing there: bind a value that owns "
                "its data. Make a class trivially copyable, give it a Boost `serialize` function, "
                "or specialise procession::isSerializable for it.");
  static_assert(
      !bindsPortableValues<Callback> || PortableCallback<Callback> || isLocalOnly<Callback>,
      "procession: this callback cannot be sent to another process. It captures by reference, or "
      "captures "
      "something that owns memory (std::string, std::vector) or is not standard layout (std::pair, "
      "std::tuple, a class with mixed access). Capture plain values instead; or pass the values "
      "with "
      "bindFront(function, values...); or use localOnly(callback) to stay on this machine.");
}

}  // namespace detail

}  // namespace procession
