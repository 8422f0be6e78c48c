#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "procession/detail/backend/shared_value.hpp"
#include "procession/serializable.hpp"

namespace procession {

namespace detail {

/// How a value is laid out in shared memory, and what a reader gets of it.
template <class Value>
struct SharedLayout {
  static constexpr bool isPossible = RawBytes<Value>;
  using Reference = const Value&;

  static ByteView bytesOf(const Value& value) { return std::as_bytes(std::span(&value, 1)); }
  static Reference read(ByteView bytes) { return *reinterpret_cast<const Value*>(bytes.data()); }
};

template <class Element, class Allocator>
struct SharedLayout<std::vector<Element, Allocator>> {
  static constexpr bool isPossible = RawBytes<Element> && !std::is_same_v<Element, bool>;
  using Reference = std::span<const Element>;

  static ByteView bytesOf(Reference elements) { return std::as_bytes(elements); }
  static Reference read(ByteView bytes) {
    return {reinterpret_cast<const Element*>(bytes.data()), bytes.size() / sizeof(Element)};
  }
};

template <class Character, class Traits, class Allocator>
struct SharedLayout<std::basic_string<Character, Traits, Allocator>> {
  static constexpr bool isPossible = RawBytes<Character>;
  using Reference = std::basic_string_view<Character, Traits>;

  static ByteView bytesOf(Reference text) { return std::as_bytes(std::span(text)); }
  static Reference read(ByteView bytes) {
    return {reinterpret_cast<const Character*>(bytes.data()), bytes.size() / sizeof(Character)};
  }
};

/// What is shared when a `Value` is given: of views, what they view.
template <class Value>
struct SharedAs {
  using Type = Value;
};
template <class Element, std::size_t extent>
struct SharedAs<std::span<Element, extent>> {
  using Type = std::vector<std::remove_cv_t<Element>>;
};
template <class Character, class Traits>
struct SharedAs<std::basic_string_view<Character, Traits>> {
  using Type = std::basic_string<Character, Traits>;
};

/// What operator-> returns where operator* returns a view by value.
template <class Reference>
struct SharedArrow {
  Reference reference;
  const Reference* operator->() const { return &reference; }
};

/// Makes NodeShared objects, for nodeShared().
struct NodeSharedMaker;

template <class Value>
consteval void requireShareable() {
  static_assert(
      SharedLayout<Value>::isPossible,
      "procession: nodeShared(value) shares the bytes of a value, so it takes a trivially "
      "copyable value without pointers, or a std::vector, std::span or std::string of "
      "such. Lay the data out in flat vectors (offsets instead of pointers, one vector "
      "of characters instead of strings), or send the value with bindFront.");
}

}  // namespace detail

/// Reads a value of nodeShared() in whatever process it is: the program itself, workers, and the
/// processes of tasks that were started while there was the value.
///
/// It is an id, trivially copyable, so that callbacks capture it and items hold it. `*view` is a
/// `std::span<const Element>` of a vector, a `std::string_view` of a string, and else a
/// `const Value&`; it costs about as much as a call of a function, so take it once for a loop.
///
/// Throws std::logic_error where the value is gone (its NodeShared was destroyed) or was never sent
/// (it was made after the operation began), SystemError where it could not be mapped. What `*view`
/// returned must not be used any more when the value is released.
template <class Value>
class NodeSharedView {
  using Layout = detail::SharedLayout<Value>;

 public:
  using Reference = typename Layout::Reference;

  /// Of no value, until a view is assigned.
  NodeSharedView() = default;
  explicit NodeSharedView(std::uint64_t id) : id_(id) {}

  [[nodiscard]] Reference operator*() const { return Layout::read(detail::findShared(id_)); }
  [[nodiscard]] auto operator->() const {
    if constexpr (std::is_reference_v<Reference>) {
      return &**this;
    } else {
      return detail::SharedArrow<Reference>{**this};
    }
  }

 private:
  std::uint64_t id_ = 0;
};

/// Read-only data that exists once a node, however many workers read it; made by nodeShared().
///
/// Workers, on all ranks, have the value from the first operation that begins after it was made;
/// they let go of it before the first operation that begins after this object is gone, with which
/// the memory is free again. So it has to live until the operations that read it are over.
///
/// Movable, not copyable; a moved-from one owns nothing and can only be destroyed or assigned.
/// Thread safety: views are taken and read in any thread; the object itself is not to be changed or
/// destroyed meanwhile.
template <class Value>
class NodeShared {
 public:
  using View = NodeSharedView<Value>;

  NodeShared(NodeShared&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
  NodeShared& operator=(NodeShared&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~NodeShared() {
    if (id_ != 0) {
      detail::releaseShared(id_);
    }
  }

  /// For callbacks to capture. Throws std::logic_error when the value was moved away.
  [[nodiscard]] View view() const {
    if (id_ == 0) {
      throw std::logic_error("this NodeShared was moved from: it owns no value");
    }
    return View(id_);
  }
  [[nodiscard]] typename View::Reference operator*() const { return *view(); }
  [[nodiscard]] auto operator->() const { return view().operator->(); }

 private:
  friend struct detail::NodeSharedMaker;

  explicit NodeShared(std::uint64_t id) : id_(id) {}

  std::uint64_t id_ = 0;  // 0: moved from
};

namespace detail {

struct NodeSharedMaker {
  template <class Value>
  static NodeShared<Value> make(std::uint64_t id) {
    return NodeShared<Value>(id);
  }
};

}  // namespace detail

/// Shares a large table with all workers without a copy in each of them: it is copied once, into
/// memory that every worker of the node maps, and sent once to each other node.
///
///     auto table = nodeShared(readTable());  // a std::vector<double>
///     auto sums = pool.map(queries, [view = table.view()](const Query& query) {
///       return lookUp(*view, query);         // *view is a std::span<const double>
///     });
///
/// The value is trivially copyable, or a std::vector, std::span, std::string or std::string_view of
/// such elements. A worker that writes to it all the same dies of it, as WorkerLost tells.
///
/// Complexity: one copy of the bytes; a temporary's memory is freed with it. Each value costs a
/// descriptor in the program and in each other rank, none in workers.
/// Throws SystemError when there is not enough memory or no descriptor.
template <class Given>
[[nodiscard]] auto nodeShared(Given&& value)
    -> NodeShared<typename detail::SharedAs<std::remove_cvref_t<Given>>::Type> {
  using Value = typename detail::SharedAs<std::remove_cvref_t<Given>>::Type;
  detail::requireShareable<Value>();
  if constexpr (detail::SharedLayout<Value>::isPossible) {
    // Taken over, so that a vector that was moved here does not keep its memory.
    const std::conditional_t<std::is_lvalue_reference_v<Given>, const std::remove_cvref_t<Given>&,
                             std::remove_cvref_t<Given>>
        given = std::forward<Given>(value);
    return detail::NodeSharedMaker::make<Value>(
        detail::shareBytes(detail::SharedLayout<Value>::bytesOf(given)));
  }
}

/// The same for a table that is made in place, so that there is never a second copy: `fill` gets
/// `count` elements of zero bytes.
///
///     auto table = nodeShared<double>(n, [](std::span<double> values) { compute(values); });
///
/// Throws what `fill` throws; then nothing is shared.
template <class Element, std::invocable<std::span<Element>> Fill>
[[nodiscard]] NodeShared<std::vector<Element>> nodeShared(std::size_t count, Fill fill) {
  detail::requireShareable<std::vector<Element>>();
  return detail::NodeSharedMaker::make<std::vector<Element>>(
      detail::shareFilled(count, sizeof(Element), [&](std::byte* memory) {
        std::invoke(fill, std::span(reinterpret_cast<Element*>(memory), count));
      }));
}

}  // namespace procession
