#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

#include "procession/detail/pool/item_source.hpp"
#include "procession/detail/wire/callback_codec.hpp"
#include "procession/detail/wire/codec.hpp"

namespace procession {

/// Says that a view refers to no memory and can be sent as its bytes, so that workers compute the
/// items themselves. True for iota, and for transform, take, drop and reverse over such views; may
/// be specialised for one's own.
template <class View>
inline constexpr bool isLazyRange = false;
template <class First, class Last>
inline constexpr bool isLazyRange<std::ranges::iota_view<First, Last>> =
    std::is_arithmetic_v<First> && std::is_arithmetic_v<Last>;
template <class View, class Function>
inline constexpr bool isLazyRange<std::ranges::transform_view<View, Function>> =
    isLazyRange<View> && detail::isPlainClosure<Function> &&
    std::is_trivially_copyable_v<std::ranges::transform_view<View, Function>>;
template <class View>
inline constexpr bool isLazyRange<std::ranges::take_view<View>> = isLazyRange<View>;
template <class View>
inline constexpr bool isLazyRange<std::ranges::drop_view<View>> = isLazyRange<View>;
template <class View>
inline constexpr bool isLazyRange<std::ranges::reverse_view<View>> = isLazyRange<View>;

namespace detail {

template <class Items>
concept MemoryItems =
    std::ranges::random_access_range<const Items> && std::ranges::sized_range<const Items>;

template <class Items>
concept LazyItems = MemoryItems<Items> && isLazyRange<Items> && std::is_trivially_copyable_v<Items>;

template <class Items>
struct ItemTraits;
template <MemoryItems Items>
struct ItemTraits<Items> {
  using Item = std::ranges::range_value_t<const Items>;
};
template <ItemSource Items>
struct ItemTraits<Items> {
  using Item = typename Items::Item;
};
template <class Items>
using ItemOf = typename ItemTraits<Items>::Item;

template <class Items>
std::uint64_t countItems(const Items& items) {
  if constexpr (ItemSource<Items>) {
    return static_cast<std::uint64_t>(items.size());
  } else {
    return static_cast<std::uint64_t>(std::ranges::size(items));
  }
}

/// Laid out raw and read in place. Over-aligned types beyond a cache line take the archive's way.
template <class Item>
concept RawItem = RawBytes<Item> && alignof(Item) <= 64;

/// In the parent: what of the items belongs to the operation's set-up.
template <class Items>
void describeItems(PayloadWriter& writer, const Items& items) {
  if constexpr (ItemSource<Items>) {
    items.describe(writer);
  } else if constexpr (LazyItems<Items>) {
    const auto bytes = bytesOf(items);
    checkHoldsNoAddress(bytes, "the items' view");
    writer.write(bytes.data(), bytes.size());
  }
}

/// In the parent: items [first, first + count) for one chunk.
template <class Items>
void encodeItems(PayloadWriter& writer, const Items& items, std::uint64_t first,
                 std::uint64_t count) {
  if constexpr (!ItemSource<Items> && !LazyItems<Items>) {
    using Item = ItemOf<Items>;
    auto from = std::ranges::begin(items) +
                static_cast<std::ranges::range_difference_t<const Items>>(first);
    if constexpr (RawItem<Item> && std::ranges::contiguous_range<const Items>) {
      writer.write(std::to_address(from), count * sizeof(Item));
    } else {
      for (std::uint64_t i = 0; i < count; ++i, ++from) {
        encode<Item>(writer, static_cast<const Item&>(*from));
      }
    }
  }
}

/// In the parent: where the items lie as they are sent; null where they do not.
template <class Items>
const std::byte* itemsInMemory(const Items& items) {
  if constexpr (!ItemSource<Items> && !LazyItems<Items>) {
    if constexpr (RawItem<ItemOf<Items>> && std::ranges::contiguous_range<const Items>) {
      return reinterpret_cast<const std::byte*>(std::ranges::data(items));
    }
  }
  return nullptr;
}

/// How many bytes an item takes in a chunk, as far as the type tells; 0: nothing is sent.
template <class Items>
constexpr std::size_t encodedItemSize() {
  if constexpr (ItemSource<Items> || LazyItems<Items>) {
    return 0;
  } else {
    return sizeof(ItemOf<Items>);
  }
}

// In the worker: a reader, made once an operation, hands out a cursor for each chunk, whose next()
// gives the chunk's items one after the other. A cursor is a local variable of the loop, so that
// the compiler can keep it in registers.

/// Items that lie in the chunk as they are.
template <class Item>
class RawItems {
 public:
  struct Cursor {
    const Item* item;
    const Item& next() { return *item++; }
    [[nodiscard]] Cursor ahead(std::uint64_t items) const { return {item + items}; }
  };

  explicit RawItems(PayloadReader&) {}
  Cursor load(std::uint64_t, std::uint64_t count, ByteView bytes) {
    PayloadReader reader(bytes);
    return {reinterpret_cast<const Item*>(reader.take(count * sizeof(Item)))};
  }
};

/// Items that have to be decoded.
template <class Item>
class ArchivedItems {
 public:
  struct Cursor {
    PayloadReader reader;
    Item next() { return decode<Item>(reader); }
  };

  explicit ArchivedItems(PayloadReader&) {}
  Cursor load(std::uint64_t, std::uint64_t, ByteView bytes) { return {PayloadReader(bytes)}; }
};

/// Items that a view computes.
template <class View>
class ComputedItems {
 public:
  struct Cursor {
    std::ranges::iterator_t<const View> item;
    ItemOf<View> next() { return *item++; }
    [[nodiscard]] Cursor ahead(std::uint64_t items) const {
      return {item + static_cast<std::ranges::range_difference_t<const View>>(items)};
    }
  };

  explicit ComputedItems(PayloadReader& setup)
      : view_(std::bit_cast<View>(decode<std::array<std::byte, sizeof(View)>>(setup))) {}
  Cursor load(std::uint64_t first, std::uint64_t, ByteView) {
    return {std::ranges::begin(std::as_const(view_)) +
            static_cast<std::ranges::range_difference_t<const View>>(first)};
  }

 private:
  View view_;
};

/// Items that the worker reads from their source, one by one: the source's reader buffers, within
/// bounds that a whole chunk of items may be far beyond.
template <class Source>
class SourceItems {
  using Reader = decltype(Source::open(std::declval<PayloadReader&>()));

 public:
  struct Cursor {
    Reader* reader;
    std::uint64_t item;
    const typename Source::Item& next() { return *(*reader)->read(item++, 1); }
  };

  explicit SourceItems(PayloadReader& setup) : reader_(Source::open(setup)) {}
  Cursor load(std::uint64_t first, std::uint64_t, ByteView) { return {&reader_, first}; }

 private:
  Reader reader_;
};

template <class Items>
struct ReaderOf {
  using Type = std::conditional_t<RawItem<ItemOf<Items>>, RawItems<ItemOf<Items>>,
                                  ArchivedItems<ItemOf<Items>>>;
};
template <LazyItems Items>
struct ReaderOf<Items> {
  using Type = ComputedItems<Items>;
};
template <ItemSource Items>
struct ReaderOf<Items> {
  using Type = SourceItems<Items>;
};
template <class Items>
using ItemReader = typename ReaderOf<Items>::Type;

}  // namespace detail

/// What a pool's operations take: a sized random-access range of values that can be carried (a
/// std::vector is sent, a std::views::iota is computed by the workers), or a source that workers
/// read themselves (hdf5::Dataset).
template <class Items>
concept ItemRange = (detail::MemoryItems<Items> || detail::ItemSource<Items>)&&requires {
  requires Serializable<detail::ItemOf<Items>>;
};

}  // namespace procession
