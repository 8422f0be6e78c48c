#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "procession/detail/wire/callback_codec.hpp"
#include "procession/detail/wire/codec.hpp"

namespace procession::detail {

class SubmissionQueue;

/// A call that was submitted to a pool, without its types: bytes of the call, later of its result.
struct Submission {
  SubmissionQueue* queue = nullptr;  // that has it; null once it is settled
  std::uint64_t item = 0;            // in the queue's operation
  std::uint64_t order = 0;       // in which submissions of this process were settled; 0: not yet
  int attempts = 0;              // that failed
  std::vector<std::byte> bytes;  // the call; once it is settled, the result
  std::exception_ptr error;      // what came in place of the result

  [[nodiscard]] bool isSettled() const { return order != 0; }
};

/// Has the pool go on until it is settled, at most until `until` (steady clock). Throws
/// std::logic_error in a process that inherited the pool.
void awaitSettled(const Submission& submission,
                  std::optional<std::chrono::steady_clock::time_point> until = std::nullopt);
/// True when no worker had it; then none ever will.
bool cancelSubmission(Submission& submission);
/// Its result's bytes. Only when it is settled; throws what came in their place.
ByteView resultOf(const Submission& submission);

/// The settling order of several submissions, found out as they are asked for.
class SettlingOrder {
 public:
  explicit SettlingOrder(std::vector<const Submission*> submissions);

  /// The place, among those given, of the one that is settled next; waits for it. Empty after the
  /// last.
  std::optional<std::size_t> next();

 private:
  struct Entry {
    const Submission* submission;
    std::size_t place;
  };

  void collect();
  void drive() const;

  std::vector<Entry> open_;
  std::vector<Entry> settled_;  // and not handed out yet, the next one last
};

/// Memory of this thread for the bytes of a call, empty; until the next.
[[nodiscard]] PayloadWriter& beginCall();

/// What runs a submission in a worker: reads the call, appends the result. Throws what the callback
/// throws.
using SubmissionExecutor = void(PayloadReader& call, PayloadWriter& result);

/// The callback with its arguments, which are its own.
template <class Callback, class... Arguments>
decltype(auto) invokeWith(Callback& callback, Arguments&... arguments) {
  if constexpr (std::is_invocable_v<Callback&, Arguments&&...>) {
    return std::invoke(callback, std::move(arguments)...);
  } else {
    static_assert(std::is_invocable_v<Callback&, Arguments&...>,
                  "procession: the callback cannot be called with the arguments given to submit "
                  "(check its parameter types).");
    return std::invoke(callback, arguments...);
  }
}

template <class Callback, class... Arguments>
using SubmissionResult =
    std::decay_t<decltype(invokeWith(std::declval<Callback&>(), std::declval<Arguments&>()...))>;

template <class Callback, class... Arguments>
void executeSubmission(PayloadReader& call, PayloadWriter& result) {
  using Result = SubmissionResult<Callback, Arguments...>;
  auto callback = decodeCallback<Callback>(call);
  // Braces: the arguments are read from left to right.
  std::tuple<Arguments...> arguments{decode<Arguments>(call)...};
  const auto invoke = [&](Arguments&... own) -> decltype(auto) {
    return invokeWith(callback, own...);
  };
  if constexpr (std::is_void_v<Result>) {
    std::apply(invoke, arguments);
  } else {
    encode<Result>(result, std::apply(invoke, arguments));
  }
}

template <class Callback, class... Arguments>
void encodeSubmission(PayloadWriter& call, const Callback& callback,
                      const Arguments&... arguments) {
  encode(call, locateFunction(&executeSubmission<Callback, Arguments...>));
  encodeCallback(call, callback);
  (encode<Arguments>(call, arguments), ...);
}

/// The one place where a user is told why submit refuses a call.
template <class Callback, class... Arguments>
consteval void requireSubmission() {
  static_assert(!isLocalOnly<Callback>,
                "procession: submit hands calls to workers that are there already; localOnly "
                "callbacks need a process of their own. Use ForkProcess or ProcessManager.");
  if constexpr (!isLocalOnly<Callback>) {
    requirePoolCallback<Callback>();
  }
  static_assert((Serializable<Arguments> && ...),
                "procession: an argument given to submit cannot be carried to another process. "
                "Pointers and views (text in quotes, too) mean nothing there: hand over a value "
                "that owns its data (std::string). Make a class trivially copyable, give it a "
                "Boost `serialize` function, or specialise procession::isSerializable for it.");
}

}  // namespace procession::detail
