#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "procession/detail/backend/kernel.hpp"
#include "procession/detail/pool/operations.hpp"
#include "procession/detail/scheduler/reduction_tree.hpp"

namespace procession::detail {

// Reductions in three kinds, which differ in how an item enters the accumulator. A step is shipped
// to the workers and has
//   Accumulator first(index, item)                 of a leaf's first item
//   Accumulator next(accumulator, index, item)     with the leaf's other items
//   combine()                                      a callable: two accumulators to one
// Its set-up begins with the callable, CombineCallback, which is all that an agent needs of it.

/// reduce: items are converted to accumulators and combined by one operator.
template <class Accumulator, class Operator>
class ReduceStep {
 public:
  using CombineCallback = Operator;
  struct Parts {
    const Operator& op;
  };
  static constexpr const char* kName = "reduce";
  /// An operator on numbers takes less time than telling which item it is on, and loops without
  /// that can be vectorised.
  static constexpr bool kIsCheap = std::is_arithmetic_v<Accumulator>;

  explicit ReduceStep(PayloadReader& setup) : op_(setup) {}
  static void ship(PayloadWriter& setup, const Parts& parts) {
    ShippedCallback<Operator>::ship(setup, parts.op);
  }

  template <class Item>
  Accumulator first(std::uint64_t, Item&& item) {
    return static_cast<Accumulator>(std::forward<Item>(item));
  }
  template <class Item>
  Accumulator next(Accumulator accumulator, std::uint64_t, Item&& item) {
    return std::invoke(op_.get(), std::move(accumulator),
                       static_cast<Accumulator>(std::forward<Item>(item)));
  }
  auto& combine() { return op_.get(); }

 private:
  ShippedCallback<Operator> op_;
};

/// mapReduce: items are mapped, the results combined by one operator.
template <class Accumulator, class Mapper, class Operator, class Item>
class MapReduceStep {
 public:
  using CombineCallback = Operator;
  struct Parts {
    const Mapper& mapper;
    const Operator& op;
    std::uint64_t seed;
  };
  static constexpr const char* kName = "mapReduce";
  static constexpr bool kIsCheap = false;

  explicit MapReduceStep(PayloadReader& setup) : op_(setup), mapper_(setup) {}
  static void ship(PayloadWriter& setup, const Parts& parts) {
    ShippedCallback<Operator>::ship(setup, parts.op);
    ItemCallback<Mapper, Item>::ship(setup, parts.mapper, parts.seed);
  }

  template <class Given>
  Accumulator first(std::uint64_t index, Given&& item) {
    return static_cast<Accumulator>(mapper_(index, std::forward<Given>(item)));
  }
  template <class Given>
  Accumulator next(Accumulator accumulator, std::uint64_t index, Given&& item) {
    return std::invoke(op_.get(), std::move(accumulator), first(index, std::forward<Given>(item)));
  }
  auto& combine() { return op_.get(); }

 private:
  ShippedCallback<Operator> op_;
  ItemCallback<Mapper, Item> mapper_;
};

/// aggregate: items are folded into an accumulator of another type that starts at zero;
/// accumulators are combined.
template <class Accumulator, class Fold, class Combine>
class AggregateStep {
 public:
  using CombineCallback = Combine;
  struct Parts {
    const Accumulator& zero;
    const Fold& fold;
    const Combine& combine;
    std::uint64_t seed;
  };
  static constexpr const char* kName = "aggregate";
  static constexpr bool kIsCheap = false;

  explicit AggregateStep(PayloadReader& setup)
      : combine_(setup), zero_(decode<Accumulator>(setup)), fold_(setup), seed_(setup.readWord()) {}
  static void ship(PayloadWriter& setup, const Parts& parts) {
    ShippedCallback<Combine>::ship(setup, parts.combine);
    encode(setup, parts.zero);
    ShippedCallback<Fold>::ship(setup, parts.fold);
    setup.writeWord(parts.seed);
  }

  template <class Item>
  Accumulator first(std::uint64_t index, Item&& item) {
    return next(Accumulator(zero_), index, std::forward<Item>(item));
  }
  template <class Item>
  Accumulator next(Accumulator accumulator, std::uint64_t index, Item&& item) {
    auto& fold = fold_.get();
    if constexpr (std::is_invocable_v<decltype(fold), Accumulator, Item&&>) {
      return std::invoke(fold, std::move(accumulator), std::forward<Item>(item));
    } else {
      requireRandomByReference<Fold>();
      Random random(seed_, index);
      return std::invoke(fold, std::move(accumulator), std::forward<Item>(item), random);
    }
  }
  auto& combine() { return combine_.get(); }

 private:
  ShippedCallback<Combine> combine_;
  Accumulator zero_;
  ShippedCallback<Fold> fold_;
  std::uint64_t seed_;
};

/// Folds the leaves of one node of the reduction tree to one partial.
template <class Items, class Accumulator, class Step>
class FoldKernel final : public Kernel {
 public:
  explicit FoldKernel(PayloadReader& setup)
      : leafItems_(setup.readWord()), step_(setup), items_(setup) {}

  /// A node has one result: all of it, or none.
  std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView items,
                    PayloadWriter& results, ItemProgress progress) override {
    Cursor cursor = items_.load(first, count, items);
    Folder folder(std::ref(step_.combine()));
    const std::uint64_t end = first + count;
    const bool unnamed = Step::kIsCheap && count > leafItems_;
    bool isWanted = true;
    std::uint64_t leaf = first;
    if constexpr (kLeavesTogether > 1) {
      while (unnamed && isWanted && leafItems_ <= (end - leaf) / kLeavesTogether) {
        isWanted = foldUnnamed<kLeavesTogether>(leaf, leafItems_, cursor, progress, folder);
        leaf += kLeavesTogether * leafItems_;
      }
    }
    for (; isWanted && leaf < end; leaf += leafItems_) {
      const std::uint64_t size = std::min(leafItems_, end - leaf);
      isWanted = unnamed ? foldUnnamed<1>(leaf, size, cursor, progress, folder)
                         : foldLeaf(leaf, size, cursor, progress, folder);
    }
    if (!isWanted) {
      return 0;
    }
    encode<Accumulator>(results, folder.take());
    return count;
  }
  [[nodiscard]] bool hasOneResult() const override { return true; }

 private:
  using Cursor = typename ItemReader<Items>::Cursor;
  using Folder = LeafFolder<
      Accumulator,
      std::reference_wrapper<std::remove_reference_t<decltype(std::declval<Step&>().combine())>>>;

  static constexpr std::size_t leavesTogether() {
    if constexpr (requires(const Cursor& cursor) { cursor.ahead(1); }) {
      return Step::kIsCheap ? 4 : 1;
    } else {
      return 1;
    }
  }
  static constexpr std::size_t kLeavesTogether = leavesTogether();

  // The following fold leaves of `size` items, and return false when the operation was cancelled.
  // Functions of their own, and never inlined: only there does the compiler keep accumulators in
  // registers.

  [[gnu::noinline]] bool foldLeaf(std::uint64_t item, std::uint64_t size, Cursor& cursor,
                                  ItemProgress progress, Folder& folder) {
    if (!progress.enterWhole(item)) {
      return false;
    }
    Cursor items = cursor;
    Accumulator accumulator = step_.first(item, items.next());
    for (const std::uint64_t end = item + size; ++item < end;) {
      if (!progress.enterWhole(item)) {
        return false;
      }
      accumulator = step_.next(std::move(accumulator), item, items.next());
    }
    cursor = items;
    folder.add(std::move(accumulator));
    return true;
  }

  /// The same without telling each item, for several leaves at a time: what the operator does in
  /// one need not wait for what it does in another. When it throws, they are folded again to name
  /// the item; when the worker dies, the scheduler searches the chunk, down to a single leaf, which
  /// is folded the other way.
  template <std::size_t kLeaves>
  [[gnu::noinline]] bool foldUnnamed(std::uint64_t item, std::uint64_t size, Cursor& cursor,
                                     ItemProgress progress, Folder& folder) {
    if (!progress.isWanted()) {
      return false;
    }
    std::optional<std::array<Accumulator, kLeaves>> sums;
    try {
      sums = foldAbreast(item, size, cursor, std::make_index_sequence<kLeaves>());
    } catch (...) {
      // Whatever it was, it comes again.
    }
    if (sums) {
      for (Accumulator& sum : *sums) {
        folder.add(std::move(sum));
      }
      return true;
    }
    bool isWanted = true;
    for (std::size_t leaf = 0; leaf < kLeaves && isWanted; ++leaf) {
      isWanted = foldLeaf(item + leaf * size, size, cursor, progress, folder);
    }
    return isWanted;
  }

  template <std::size_t... leaf>
  std::array<Accumulator, sizeof...(leaf)> foldAbreast(std::uint64_t item, std::uint64_t size,
                                                       Cursor& cursor,
                                                       std::index_sequence<leaf...>) {
    std::array<Cursor, sizeof...(leaf)> items{aheadOf(cursor, leaf * size)...};
    std::array<Accumulator, sizeof...(leaf)> sums{
        step_.first(item + leaf * size, items[leaf].next())...};
    for (std::uint64_t i = 1; i < size; ++i) {
      ((sums[leaf] = step_.next(std::move(sums[leaf]), item + leaf * size + i, items[leaf].next())),
       ...);
    }
    cursor = items.back();
    return sums;
  }
  static Cursor aheadOf(const Cursor& cursor, std::uint64_t items) {
    if constexpr (kLeavesTogether > 1) {
      return cursor.ahead(items);
    } else {
      return cursor;
    }
  }

  std::uint64_t leafItems_;
  Step step_;
  ItemReader<Items> items_;
};

/// Calls the user's operator in the parent, and tells what it throws as the workers would.
template <class Combine>
class CheckedCombine {
 public:
  explicit CheckedCombine(Combine& combine) : combine_(&combine) {}

  template <class Accumulator>
  Accumulator operator()(Accumulator left, Accumulator right) {
    try {
      return std::invoke(*combine_, std::move(left), std::move(right));
    } catch (...) {
      throw TaskError(describeException(std::current_exception()), Origin{});
    }
  }

 private:
  Combine* combine_;
};

/// Merges the partials of an agent's workers, a tree a chunk.
template <class Accumulator, class CombineCallback>
class FoldMerger final : public Merger {
 public:
  FoldMerger(PayloadReader& setup, std::uint64_t items)
      : leafItems_(setup.readWord()), combine_(setup), leafCount_((items - 1) / leafItems_ + 1) {}

  void insert(std::uint64_t chunk, std::uint64_t first, std::uint64_t count,
              ByteView partial) override {
    PayloadReader reader(partial);
    Accumulator value = decode<Accumulator>(reader);
    reader.expectEnd();
    const std::uint64_t leaves = (count - 1) / leafItems_ + 1;
    trees_.try_emplace(chunk, leafCount_, Combine(combine_.get()))
        .first->second.insert(nodeOfLeaves(first / leafItems_, leaves, leafCount_),
                              std::move(value));
  }
  void take(std::uint64_t chunk, PayloadWriter& writer) override {
    const auto tree = trees_.find(chunk);
    if (tree == trees_.end()) {
      throw std::logic_error("a chunk of a reduction without partials");
    }
    if (tree->second.isComplete()) {
      encode<Accumulator>(writer, tree->second.takeResult());
    } else {
      encode<Accumulator>(writer, tree->second.takePending().front().second);
    }
    trees_.erase(tree);
  }

 private:
  using Combine = CheckedCombine<
      std::remove_reference_t<decltype(std::declval<ShippedCallback<CombineCallback>&>().get())>>;

  std::uint64_t leafItems_;
  ShippedCallback<CombineCallback> combine_;
  std::uint64_t leafCount_;
  std::map<std::uint64_t, ReductionTree<Accumulator, Combine>> trees_;  // by chunk
};

/// Merges the partials of whole nodes as soon as both children of a node are there.
template <class Items, class Accumulator, class Step, class Combine>
class FoldOperation final : public Operation {
 public:
  /// `items` must not be empty.
  FoldOperation(const Items& items, typename Step::Parts parts, Combine& combine, std::size_t grain,
                bool localOnly)
      : items_(items),
        parts_(parts),
        itemCount_(countItems(items)),
        leafItems_(reductionLeafItems(itemCount_, grain)),
        leafCount_((itemCount_ - 1) / leafItems_ + 1),
        localOnly_(localOnly),
        tree_(leafCount_, CheckedCombine<Combine>(combine)) {}

  [[nodiscard]] const char* name() const override { return Step::kName; }
  [[nodiscard]] Shape shape() const override {
    return {.items = itemCount_,
            .itemBytes = guessItemBytes(items_),
            .resultBytes = 0,
            .leafItems = leafItems_,
            .wholeNodes = true,
            .readsSource = ItemSource<Items>,
            .localOnly = localOnly_,
            .rawItems = RawItem<ItemOf<Items>>};
  }
  [[nodiscard]] KernelFactory* kernel() const override {
    return &makeKernel<FoldKernel<Items, Accumulator, Step>>;
  }
  [[nodiscard]] MergerFactory* merger() const override {
    return &makeMerger<FoldMerger<Accumulator, typename Step::CombineCallback>>;
  }
  void describe(PayloadWriter& setup) const override {
    setup.writeWord(leafItems_);
    Step::ship(setup, parts_);
    describeItems(setup, items_);
  }
  void encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) const override {
    detail::encodeItems(writer, items_, first, count);
  }
  void accept(std::uint64_t first, std::uint64_t count, ByteView bytes) override {
    PayloadReader reader(bytes);
    Accumulator partial = decode<Accumulator>(reader);
    reader.expectEnd();
    lastBytes_ = bytes.size();
    const std::uint64_t leaves = (count - 1) / leafItems_ + 1;
    tree_.insert(nodeOfLeaves(first / leafItems_, leaves, leafCount_), std::move(partial));
  }
  [[nodiscard]] std::size_t waitingBytes() const override {
    return tree_.earlyCount() * lastBytes_;
  }

  Accumulator takeResult() { return tree_.takeResult(); }

 private:
  const Items& items_;
  typename Step::Parts parts_;
  std::uint64_t itemCount_;
  std::uint64_t leafItems_;
  std::uint64_t leafCount_;
  bool localOnly_;
  ReductionTree<Accumulator, CheckedCombine<Combine>> tree_;
  std::size_t lastBytes_ = 0;
};

}  // namespace procession::detail
