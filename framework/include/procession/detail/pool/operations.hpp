#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "procession/detail/pool/items.hpp"
#include "procession/detail/pool/kernels.hpp"
#include "procession/detail/pool/operation.hpp"
#include "procession/detail/wire/huge_pages.hpp"
#include "procession/error.hpp"

namespace procession::detail {

/// A guess at the bytes of an encoded item: its size where that is fixed, else the mean of the
/// first few.
template <class Items>
std::size_t guessItemBytes(const Items& items) {
  if constexpr (encodedItemSize<Items>() == 0 || RawItem<ItemOf<Items>>) {
    return encodedItemSize<Items>();
  } else {
    const std::uint64_t sample = std::min<std::uint64_t>(countItems(items), 4);
    HeapPayload payload;
    encodeItems(payload, items, 0, sample);
    return sample == 0 ? 0 : payload.size() / sample + 1;
  }
}

/// What all operations over items with one callback share.
template <class Items, class Callback, class KernelType>
class ItemOperation : public Operation {
 public:
  ItemOperation(const Items& items, const Callback& callback, std::uint64_t seed)
      : items_(items), callback_(callback), seed_(seed) {}

  [[nodiscard]] Shape shape() const override {
    return {.items = countItems(items_),
            .itemBytes = guessItemBytes(items_),
            .resultBytes = 0,
            .leafItems = 1,
            .wholeNodes = false,
            .readsSource = ItemSource<Items>,
            .localOnly = isLocalOnly<Callback>,
            .rawItems = RawItem<ItemOf<Items>>};
  }
  [[nodiscard]] KernelFactory* kernel() const override { return &makeKernel<KernelType>; }
  void describe(PayloadWriter& setup) const override {
    ItemCallback<Callback, ItemOf<Items>>::ship(setup, callback_, seed_);
    describeItems(setup, items_);
  }
  void encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) const override {
    detail::encodeItems(writer, items_, first, count);
  }
  [[nodiscard]] const std::byte* itemsInMemory() const override {
    return detail::itemsInMemory(items_);
  }

 protected:
  [[nodiscard]] const Items& items() const { return items_; }

 private:
  const Items& items_;
  const Callback& callback_;
  std::uint64_t seed_;
};

[[noreturn]] void throwWrongResultSize(std::size_t received, std::size_t expected);

/// Collects one result an item into a vector, in order.
template <class Items, class Callback, class KernelType = MapKernel<Items, Callback>>
class MapOperation : public ItemOperation<Items, Callback, KernelType> {
  using Base = ItemOperation<Items, Callback, KernelType>;
  using Result = ItemResult<Callback, ItemOf<Items>>;

 public:
  MapOperation(const Items& items, const Callback& callback, std::uint64_t seed)
      : Base(items, callback, seed) {
    results_.reserve(countItems(items));
    if constexpr (!std::is_same_v<Result, bool>) {
      adviseHugePages(results_.data(), results_.capacity() * sizeof(Result));
    }
  }

  [[nodiscard]] const char* name() const override { return "map"; }
  [[nodiscard]] Operation::Shape shape() const override {
    Operation::Shape shape = Base::shape();
    shape.resultBytes = sizeof(Result);
    return shape;
  }
  void accept(std::uint64_t first, std::uint64_t count, ByteView bytes) override {
    // Chunks come nearly in order. One that is early leaves a gap, which is filled with values to
    // be overwritten; so memory is written once, except for gaps.
    if (RawItem<Result> && bytes.size() != count * sizeof(Result)) {
      throwWrongResultSize(bytes.size(), count * sizeof(Result));
    }
    if constexpr (!canFillGaps()) {
      acceptInOrder(first, count, bytes);
    } else if constexpr (RawItem<Result>) {
      acceptRaw(first, count, reinterpret_cast<const Result*>(bytes.data()));
    } else {
      acceptArchived(first, count, PayloadReader(bytes));
    }
  }

  std::vector<Result> takeResults() { return std::move(results_); }

 private:
  static constexpr bool canFillGaps() {
    return RawItem<Result>
               ? std::is_copy_assignable_v<Result>
               : std::is_default_constructible_v<Result> && std::is_move_assignable_v<Result>;
  }

  /// For results of which no other value can stand in a gap: early chunks wait as bytes.
  void acceptInOrder(std::uint64_t first, std::uint64_t count, ByteView bytes) {
    early_.emplace(first, Early{count, {bytes.begin(), bytes.end()}});
    while (!early_.empty() && early_.begin()->first == results_.size()) {
      const Early chunk = std::move(early_.extract(early_.begin()).mapped());
      PayloadReader reader(chunk.bytes);
      for (std::uint64_t i = 0; i < chunk.count; ++i) {
        results_.push_back(decode<Result>(reader));
      }
      reader.expectEnd();
    }
  }

  void acceptRaw(std::uint64_t first, std::uint64_t count, const Result* from) {
    if (first > results_.size()) {
      results_.insert(results_.end(), first - results_.size(), *from);
    }
    if (first == results_.size()) {
      results_.insert(results_.end(), from, from + count);
    } else {
      std::copy(from, from + count, results_.begin() + static_cast<std::ptrdiff_t>(first));
    }
  }

  void acceptArchived(std::uint64_t first, std::uint64_t count, PayloadReader reader) {
    while (results_.size() < first) {
      results_.emplace_back();
    }
    for (std::uint64_t i = first; i < first + count; ++i) {
      if (i == results_.size()) {
        results_.push_back(decode<Result>(reader));
      } else {
        results_[i] = decode<Result>(reader);
      }
    }
    reader.expectEnd();
  }

  struct Early {
    std::uint64_t count = 0;
    std::vector<std::byte> bytes;
  };

  std::vector<Result> results_;
  std::map<std::uint64_t, Early> early_;  // by first item; only of results that cannot fill gaps
};

/// Collects nothing.
template <class Items, class Callback>
class EachOperation final : public ItemOperation<Items, Callback, EachKernel<Items, Callback>> {
  using Base = ItemOperation<Items, Callback, EachKernel<Items, Callback>>;

 public:
  using Base::Base;
  [[nodiscard]] const char* name() const override { return "each"; }
  [[nodiscard]] Operation::Shape shape() const override {
    Operation::Shape shape = Base::shape();
    shape.answersAtOnce = true;  // effects are what it is for
    return shape;
  }
  void accept(std::uint64_t, std::uint64_t, ByteView) override {}
};

/// Collects one bit an item, and at the end the items that stay, in order.
template <class Items, class Callback>
class FilterOperation final : public ItemOperation<Items, Callback, FilterKernel<Items, Callback>> {
  using Base = ItemOperation<Items, Callback, FilterKernel<Items, Callback>>;
  using Item = ItemOf<Items>;

 public:
  FilterOperation(const Items& items, const Callback& callback, std::uint64_t seed)
      : Base(items, callback, seed), stays_(countItems(items), false) {}

  [[nodiscard]] const char* name() const override { return "filter"; }
  void accept(std::uint64_t first, std::uint64_t count, ByteView bytes) override {
    PayloadReader reader(bytes);
    const std::byte* bits = reader.take((count + 7) / 8);
    std::vector<Item> kept;
    for (std::uint64_t i = 0; i < count; ++i) {
      if ((bits[i / 8] & (std::byte{1} << (i % 8))) != std::byte{0}) {
        stays_[first + i] = true;
        if constexpr (ItemSource<Items>) {
          kept.push_back(decode<Item>(reader));
        }
      }
    }
    reader.expectEnd();
    if constexpr (ItemSource<Items>) {
      kept_.emplace(first, std::move(kept));
    }
  }

  std::vector<Item> takeResults() {
    std::vector<Item> results;
    results.reserve(static_cast<std::size_t>(std::count(stays_.begin(), stays_.end(), true)));
    if constexpr (ItemSource<Items>) {
      for (auto& [first, kept] : kept_) {
        std::move(kept.begin(), kept.end(), std::back_inserter(results));
      }
    } else {
      auto item = std::ranges::begin(this->items());
      for (const bool stays : stays_) {
        if (stays) {
          results.push_back(*item);
        }
        ++item;
      }
    }
    return results;
  }

 private:
  std::vector<bool> stays_;
  std::map<std::uint64_t, std::vector<Item>> kept_;  // by first item of the chunk; sources only
};

}  // namespace procession::detail
