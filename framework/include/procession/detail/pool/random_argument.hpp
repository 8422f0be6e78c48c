#pragma once

#include <cstdint>
#include <type_traits>

#include "procession/portable.hpp"
#include "procession/random.hpp"

namespace procession::detail {

/// Where among an operation's random streams a call is.
struct StreamPlace {
  std::uint64_t seed;
  std::uint64_t item;
};

// Callbacks take the item's stream as `Random&`. A copy or a const one is refused, wherever the
// parameters can be read: not those of generic lambdas and of overloads.

template <class... Parameters>
inline constexpr bool areRandomOtherwise =
    ((std::is_same_v<std::remove_cvref_t<Parameters>, Random> &&
      !std::is_same_v<Parameters, Random&>) ||
     ...);

template <class Function>
inline constexpr bool takesRandomOtherwise = false;
template <class Result, class... Parameters>
inline constexpr bool takesRandomOtherwise<Result (*)(Parameters...)> =
    areRandomOtherwise<Parameters...>;
template <class Result, class... Parameters>
inline constexpr bool takesRandomOtherwise<Result (*)(Parameters...) noexcept> =
    areRandomOtherwise<Parameters...>;
template <class Result, class Class, class... Parameters>
inline constexpr bool takesRandomOtherwise<Result (Class::*)(Parameters...)> =
    areRandomOtherwise<Parameters...>;
template <class Result, class Class, class... Parameters>
inline constexpr bool takesRandomOtherwise<Result (Class::*)(Parameters...) noexcept> =
    areRandomOtherwise<Parameters...>;
template <class Result, class Class, class... Parameters>
inline constexpr bool takesRandomOtherwise<Result (Class::*)(Parameters...) const> =
    areRandomOtherwise<Parameters...>;
template <class Result, class Class, class... Parameters>
inline constexpr bool takesRandomOtherwise<Result (Class::*)(Parameters...) const noexcept> =
    areRandomOtherwise<Parameters...>;
template <class Callback>
  requires requires { &Callback::operator(); }
inline constexpr bool takesRandomOtherwise<Callback> =
    takesRandomOtherwise<decltype(&Callback::operator())>;
template <class Function, class... Values>
inline constexpr bool takesRandomOtherwise<BoundFront<Function, Values...>> =
    takesRandomOtherwise<Function>;
template <class Callback>
inline constexpr bool takesRandomOtherwise<AsBytes<Callback>> = takesRandomOtherwise<Callback>;
template <class Callback>
inline constexpr bool takesRandomOtherwise<LocalOnly<Callback>> = takesRandomOtherwise<Callback>;

template <class Callback>
consteval void requireRandomByReference() {
  static_assert(!takesRandomOtherwise<Callback>,
                "procession: a callback takes its item's random numbers as `Random&`, neither by "
                "value nor const: numbers that are taken are gone.");
}

}  // namespace procession::detail
