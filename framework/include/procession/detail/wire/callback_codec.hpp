#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "procession/detail/wire/address_check.hpp"
#include "procession/detail/wire/code_address.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "procession/portable.hpp"

namespace procession::detail {

/// The object's bytes with its padding zeroed, so that stale words in the padding are not taken for
/// captures.
template <class Callback>
std::array<std::byte, sizeof(Callback)> bytesOf(Callback callback) {
#if defined(__has_builtin) && __has_builtin(__builtin_clear_padding)
  __builtin_clear_padding(&callback);
#endif
  return std::bit_cast<std::array<std::byte, sizeof(Callback)>>(callback);
}

/// Callbacks to bytes and back, for the kinds that PortableCallback lists.
template <class Callback>
void encodeCallback(PayloadWriter& writer, const Callback& callback) {
  if constexpr (isFunctionPointer<Callback>) {
    encode(writer, locateFunction(callback));
  } else if constexpr (isBoundFront<Callback>) {
    encodeCallback(writer, callback.getFunction());
    std::apply([&](const auto&... values) { (encode(writer, values), ...); }, callback.getValues());
  } else if constexpr (isAsBytes<Callback>) {
    encode(writer, bytesOf(callback.callback));
  } else if constexpr (isPlainClosure<Callback>) {
    if constexpr (!std::is_empty_v<Callback>) {
      const auto bytes = bytesOf(callback);
      checkHoldsNoAddress(bytes, demangle(typeid(Callback)));
      encode(writer, bytes);
    }
  } else {
    encode(writer, callback);
  }
}

template <class Callback>
Callback decodeCallback(PayloadReader& reader) {
  if constexpr (isFunctionPointer<Callback>) {
    return resolveFunction<std::remove_pointer_t<Callback>>(decode<CodeAddress>(reader));
  } else if constexpr (isBoundFront<Callback>) {
    return []<class Function, class... Values>(
               PayloadReader& from, std::type_identity<BoundFront<Function, Values...>>) {
      auto function = decodeCallback<Function>(from);
      // Braces: the values are read from left to right.
      return Callback{std::move(function), std::tuple<Values...>{decode<Values>(from)...}};
    }(reader, std::type_identity<Callback>{});
  } else if constexpr (isAsBytes<Callback>) {
    using Inner = decltype(Callback::callback);
    return {std::bit_cast<Inner>(decode<std::array<std::byte, sizeof(Inner)>>(reader))};
  } else if constexpr (isPlainClosure<Callback>) {
    std::array<std::byte, sizeof(Callback)> bytes{};
    if constexpr (!std::is_empty_v<Callback>) {
      bytes = decode<std::array<std::byte, sizeof(Callback)>>(reader);
    }
    return std::bit_cast<Callback>(bytes);
  } else {
    return decode<Callback>(reader);
  }
}

}  // namespace procession::detail
