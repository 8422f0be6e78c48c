#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "procession/detail/backend/kernel.hpp"
#include "procession/detail/pool/invoke_item.hpp"
#include "procession/detail/pool/items.hpp"

namespace procession::detail {

/// One result an item, in order: raw where the type allows, else encoded one after the other.
template <class Items, class Callback>
class MapKernel final : public Kernel {
  using Item = ItemOf<Items>;
  using Result = ItemResult<Callback, Item>;

 public:
  explicit MapKernel(PayloadReader& setup) : callback_(setup), items_(setup) {}

  bool run(std::uint64_t first, std::uint64_t count, ByteView items, PayloadWriter& results,
           ItemProgress progress) override {
    auto cursor = items_.load(first, count, items);
    if constexpr (RawItem<Result>) {
      return runRaw(first, count, cursor,
                    reinterpret_cast<Result*>(results.claim(count * sizeof(Result))), progress);
    } else {
      for (std::uint64_t i = 0; i < count; ++i) {
        if (!progress.enter(first + i)) {
          return false;
        }
        encode<Result>(results, invokeItem(callback_.get(), cursor.next()));
      }
      return true;
    }
  }

 private:
  template <class Cursor>
  bool runRaw(std::uint64_t first, std::uint64_t count, Cursor cursor, Result* results,
              ItemProgress progress) {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!progress.enter(first + i)) {
        return false;
      }
      new (results + i) Result(invokeItem(callback_.get(), cursor.next()));
    }
    return true;
  }

  ShippedCallback<Callback> callback_;
  ItemReader<Items> items_;
};

/// No results.
template <class Items, class Callback>
class EachKernel final : public Kernel {
 public:
  explicit EachKernel(PayloadReader& setup) : callback_(setup), items_(setup) {}

  bool run(std::uint64_t first, std::uint64_t count, ByteView items, PayloadWriter&,
           ItemProgress progress) override {
    auto cursor = items_.load(first, count, items);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!progress.enter(first + i)) {
        return false;
      }
      static_cast<void>(invokeItem(callback_.get(), cursor.next()));
    }
    return true;
  }

 private:
  ShippedCallback<Callback> callback_;
  ItemReader<Items> items_;
};

/// One bit an item: does it stay? Where the parent does not have the items, those that stay follow,
/// encoded.
template <class Items, class Callback>
class FilterKernel final : public Kernel {
 public:
  explicit FilterKernel(PayloadReader& setup) : callback_(setup), items_(setup) {}

  bool run(std::uint64_t first, std::uint64_t count, ByteView items, PayloadWriter& results,
           ItemProgress progress) override {
    auto cursor = items_.load(first, count, items);
    const std::size_t size = (count + 7) / 8;
    std::memset(results.claim(size), 0, size);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!progress.enter(first + i)) {
        return false;
      }
      decltype(auto) item = cursor.next();
      if (static_cast<bool>(invokeItem(callback_.get(), std::as_const(item)))) {
        results.data()[i / 8] |= std::byte{1} << (i % 8);
        if constexpr (ItemSource<Items>) {
          encode<ItemOf<Items>>(results, item);
        }
      }
    }
    return true;
  }

 private:
  ShippedCallback<Callback> callback_;
  ItemReader<Items> items_;
};

}  // namespace procession::detail
