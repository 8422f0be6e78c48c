#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "procession/detail/wire/callback_codec.hpp"
#include "procession/detail/wire/code_address.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/serializable.hpp"

namespace procession::detail {

/// A callback with its arguments, to be run once in another process. All that the compiled core
/// knows of it is that its result becomes bytes.
class Task {
 public:
  virtual ~Task() = default;

  /// Calls it and appends the result. Throws what the callback throws.
  virtual void run(PayloadWriter& writer) = 0;

  /// Appends what a process needs that shares no memory with this one: the address of a
  /// TaskFactory, and what that reads. False when the task is not portable. Throws PortabilityError
  /// when only its values show that.
  virtual bool writePortable(PayloadWriter& /*writer*/) const { return false; }
};

/// Makes a task again of what writePortable() appended behind the factory's address. Throws
/// PayloadError.
using TaskFactory = std::unique_ptr<Task>(PayloadReader& reader);

/// What a callback returns, as a value.
template <class Callback, class... Arguments>
using TaskResult =
    std::remove_cvref_t<std::invoke_result_t<std::decay_t<Callback>, std::decay_t<Arguments>...>>;

template <class Callback, class... Arguments>
concept TaskCall = std::invocable<std::decay_t<Callback>, std::decay_t<Arguments>...>;

/// An argument that would refer to memory of the process it came from. Text in quotes and functions
/// are there in every child, so they may be handed on by address.
template <class Argument>
inline constexpr bool isForeignAddress =
    refersToMemory<std::decay_t<Argument>> && !std::is_array_v<std::remove_reference_t<Argument>> &&
    !std::is_function_v<std::remove_pointer_t<std::decay_t<Argument>>>;

/// Can be made of bytes without a constructor of its own choice. Others cost a task nothing but its
/// portability.
template <class Value>
inline constexpr bool canBeRebuilt = RawBytes<Value> || std::is_default_constructible_v<Value>;
template <class Function, class... Values>
inline constexpr bool canBeRebuilt<BoundFront<Function, Values...>> =
    canBeRebuilt<Function> && (canBeRebuilt<Values> && ...);

/// A task that any process of the program can run. Text in quotes is an address, and keeps a task
/// at home.
template <class Callback, class... Arguments>
inline constexpr bool isPortableTask = false;
template <PortableCallback Callback, Serializable... Arguments>
inline constexpr bool isPortableTask<Callback, Arguments...> =
    canBeRebuilt<Callback> && (canBeRebuilt<Arguments> && ...);

template <class Result, class Callback, class... Arguments>
class CallableTask final : public Task {
 public:
  template <class... Given>
  explicit CallableTask(std::in_place_t, Given&&... given) : call_(std::forward<Given>(given)...) {}

  void run(PayloadWriter& writer) override {
    const auto invoke = [](auto&... parts) { return std::invoke(std::move(parts)...); };
    if constexpr (std::is_void_v<Result>) {
      std::apply([](auto&... parts) { static_cast<void>(std::invoke(std::move(parts)...)); },
                 call_);
    } else {
      const Result result = std::apply(invoke, call_);
      encode(writer, result);
    }
  }

  bool writePortable(PayloadWriter& writer) const override {
    if constexpr (isPortableTask<Callback, Arguments...>) {
      encode(writer, locateFunction(&rebuild));
      std::apply(
          [&writer](const Callback& callback, const Arguments&... arguments) {
            encodeCallback(writer, callback);
            (encode(writer, arguments), ...);
          },
          call_);
    }
    return isPortableTask<Callback, Arguments...>;
  }

 private:
  using Call = std::tuple<Callback, Arguments...>;

  explicit CallableTask(Call call) : call_(std::move(call)) {}

  static std::unique_ptr<Task> rebuild(PayloadReader& reader) {
    // Braces: from left to right, as they were written.
    return std::unique_ptr<Task>(
        new CallableTask(Call{decodeCallback<Callback>(reader), decode<Arguments>(reader)...}));
  }

  Call call_;
};

template <class Result, class Callback, class... Arguments>
std::unique_ptr<Task> makeTask(Callback&& callback, Arguments&&... arguments) {
  static_assert(std::is_void_v<Result> || Serializable<Result>,
                "the callback's result cannot be carried between processes: return a value "
                "(no pointer, reference wrapper or view) that Boost.Serialization can save, or "
                "specialise procession::isSerializable");
  static_assert(!(isForeignAddress<Arguments> || ...),
                "an argument is a pointer, a reference wrapper or a view: the callback would work "
                "on its own copy of that memory, and what it writes would be lost; hand over the "
                "value itself");
  return std::make_unique<CallableTask<Result, std::decay_t<Callback>, std::decay_t<Arguments>...>>(
      std::in_place, std::forward<Callback>(callback), std::forward<Arguments>(arguments)...);
}

/// Turns the bytes of a result back into the value. Throws PayloadError.
template <class Result>
Result decodeResult(ByteView bytes) {
  PayloadReader reader(bytes);
  if constexpr (std::is_void_v<Result>) {
    reader.expectEnd();
  } else {
    Result result = decode<Result>(reader);
    reader.expectEnd();
    return result;
  }
}

}  // namespace procession::detail
