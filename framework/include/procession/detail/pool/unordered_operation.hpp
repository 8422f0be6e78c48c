#pragma once

#include <cstdint>
#include <ranges>
#include <type_traits>
#include <utility>

#include "procession/detail/pool/operations.hpp"
#include "procession/detail/pool/result_queue.hpp"

namespace procession::detail {

/// How an operation that outlives its call keeps the items: those that the caller goes on owning by
/// reference, temporaries and views as its own.
template <class Items>
using KeptItems =
    std::conditional_t<std::is_lvalue_reference_v<Items> &&
                           !std::ranges::view<std::remove_cvref_t<Items>>,
                       const std::remove_reference_t<Items>&, std::remove_cvref_t<Items>>;

template <class Items, class Callback>
struct Kept {
  KeptItems<Items> keptItems;
  Callback keptCallback;
};

/// map, whose results go to a queue as they come. `Items`: as they were given, perhaps a reference.
template <class Items, class Callback>
class UnorderedOperation final
    : private Kept<Items, Callback>,
      public ItemOperation<std::remove_cvref_t<Items>, Callback,
                           MapKernel<std::remove_cvref_t<Items>, Callback>> {
  using Range = std::remove_cvref_t<Items>;
  using Owned = Kept<Items, Callback>;
  using Base = ItemOperation<Range, Callback, MapKernel<Range, Callback>>;
  using Result = ItemResult<Callback, ItemOf<Range>>;

 public:
  UnorderedOperation(Items&& items, Callback callback, ResultQueue<Result>& queue,
                     std::uint64_t seed)
      : Owned{std::forward<Items>(items), std::move(callback)},
        Base(Owned::keptItems, Owned::keptCallback, seed),
        queue_(queue) {}

  [[nodiscard]] const char* name() const override { return "mapUnordered"; }
  [[nodiscard]] Operation::Shape shape() const override {
    Operation::Shape shape = Base::shape();
    shape.answersAtOnce = true;  // the consumer waits for any of them
    shape.resultBytes = sizeof(Result);
    return shape;
  }
  void accept(std::uint64_t first, std::uint64_t count, ByteView bytes) override {
    PayloadReader reader(bytes);
    for (std::uint64_t i = 0; i < count; ++i) {
      queue_.push(first + i, decode<Result>(reader));
    }
    reader.expectEnd();
  }

 private:
  ResultQueue<Result>& queue_;
};

}  // namespace procession::detail
