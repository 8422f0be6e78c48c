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

  std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView items,
                    PayloadWriter& results, ItemProgress progress) override {
    auto cursor = items_.load(first, count, items);
    if constexpr (RawItem<Result>) {
      return runRaw(first, count, cursor, results, progress);
    } else {
      WholeResults whole(results);
      for (std::uint64_t i = 0; i < count; ++i) {
        if (!progress.enter(first + i)) {
          return i;
        }
        encode<Result>(results, callback_(first + i, cursor.next()));
        whole.keep();
      }
      return count;
    }
  }

 private:
  template <class Cursor>
  std::uint64_t runRaw(std::uint64_t first, std::uint64_t count, Cursor cursor,
                       PayloadWriter& results, ItemProgress progress) {
    const std::size_t before = results.size();
    auto* const raw = reinterpret_cast<Result*>(results.claim(count * sizeof(Result)));
    std::uint64_t done = 0;
    const RawCut cut{results, before, done};
    for (; done < count; ++done) {
      if (!progress.enter(first + done)) {
        break;
      }
      new (raw + done) Result(callback_(first + done, cursor.next()));
    }
    return done;
  }

  /// Leaves the results that are there, also when an exception passes. Inlined, so that the loop's
  /// counter stays in a register.
  struct RawCut {
    PayloadWriter& results;
    std::size_t before;
    const std::uint64_t& done;

    [[gnu::always_inline]] ~RawCut() { results.truncate(before + done * sizeof(Result)); }
  };

  ItemCallback<Callback, ItemOf<Items>> callback_;
  ItemReader<Items> items_;
};

/// No results.
template <class Items, class Callback>
class EachKernel final : public Kernel {
 public:
  explicit EachKernel(PayloadReader& setup) : callback_(setup), items_(setup) {}

  std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView items, PayloadWriter&,
                    ItemProgress progress) override {
    auto cursor = items_.load(first, count, items);
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!progress.enter(first + i)) {
        return i;
      }
      static_cast<void>(callback_(first + i, cursor.next()));
    }
    return count;
  }

 private:
  ItemCallback<Callback, ItemOf<Items>> callback_;
  ItemReader<Items> items_;
};

/// One bit an item: does it stay? Where the parent does not have the items, those that stay follow,
/// encoded.
template <class Items, class Callback>
class FilterKernel final : public Kernel {
 public:
  explicit FilterKernel(PayloadReader& setup) : callback_(setup), items_(setup) {}

  std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView items,
                    PayloadWriter& results, ItemProgress progress) override {
    auto cursor = items_.load(first, count, items);
    std::memset(results.claim(sizeOf(count)), 0, sizeOf(count));
    Bits bits{results, count};
    for (; bits.done < count; ++bits.done) {
      const std::uint64_t i = bits.done;
      if (!progress.enter(first + i)) {
        break;
      }
      decltype(auto) item = cursor.next();
      if (static_cast<bool>(callback_(first + i, std::as_const(item)))) {
        if constexpr (ItemSource<Items>) {
          encode<ItemOf<Items>>(results, item);
        }
        results.data()[i / 8] |= std::byte{1} << (i % 8);
      }
      if constexpr (ItemSource<Items>) {
        bits.size = results.size();
      }
    }
    return bits.done;
  }

 private:
  /// Bytes for so many bits.
  static std::size_t sizeOf(std::uint64_t count) { return (count + 7) / 8; }

  /// Leaves the bits of the items that are done, and of what lies behind all bits those that are
  /// whole, also when an exception passes.
  struct Bits {
    PayloadWriter& results;
    std::uint64_t count;
    std::uint64_t done = 0;
    std::size_t size = results.size();

    ~Bits() {
      const std::size_t begin = sizeOf(done);
      const std::size_t end = sizeOf(count);
      std::memmove(results.data() + begin, results.data() + end, size - end);
      results.truncate(begin + size - end);
    }
  };

  ItemCallback<Callback, ItemOf<Items>> callback_;
  ItemReader<Items> items_;
};

}  // namespace procession::detail
