#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "procession/detail/pool/operations.hpp"
#include "procession/detail/pool/thrown_item.hpp"
#include "procession/detail/wire/throw_trace.hpp"
#include "procession/outcome.hpp"

namespace procession::detail {

/// In front of each item's value, or of the error in its place. In front of all items of a run
/// stands the host on which they were done.
struct SettledHeader {
  std::uint64_t nanoseconds = 0;  // that the item took
  std::uint64_t failed = 0;       // 1: an error
};

/// map that takes the time of each item. Where items are not tried again, what their callback
/// throws is one of the results, so that a chunk with many such items is no dearer than others;
/// else it passes, and the scheduler sees to the next attempt.
template <class Items, class Callback>
class SettleKernel final : public Kernel {
  using Result = ItemResult<Callback, ItemOf<Items>>;
  using Cursor = decltype(std::declval<ItemReader<Items>&>().load(0, 0, ByteView()));

 public:
  explicit SettleKernel(PayloadReader& setup)
      : callback_(setup), items_(setup), keepsThrows_(setup.readWord() != 0) {}

  std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView items,
                    PayloadWriter& results, ItemProgress progress) override {
    encodeHostName(results);
    auto cursor = items_.load(first, count, items);
    WholeResults whole(results);
    std::uint64_t begun = now();
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!progress.enter(first + i, begun)) {
        return i;
      }
      begun = keepsThrows_ ? settle(first + i, cursor, results, begun)
                           : complete(first + i, cursor, results, begun);
      whole.keep();
    }
    return count;
  }

 private:
  static std::uint64_t now() {
    const std::chrono::nanoseconds time = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(time.count());
  }

  /// Returns the time at its end, which is when the next item begins.
  std::uint64_t complete(std::uint64_t item, Cursor& cursor, PayloadWriter& results,
                         std::uint64_t begun) {
    const std::size_t start = results.size();
    results.claim(sizeof(SettledHeader));
    if constexpr (std::is_void_v<Result>) {
      callback_(item, cursor.next());
    } else {
      encode<Result>(results, callback_(item, cursor.next()));
    }
    const std::uint64_t end = now();
    write(results, start, {.nanoseconds = end - begun});
    return end;
  }

  std::uint64_t settle(std::uint64_t item, Cursor& cursor, PayloadWriter& results,
                       std::uint64_t begun) {
    const std::size_t start = results.size();
    try {
      std::uint64_t end = 0;
      notingThrows([&] { end = complete(item, cursor, results, begun); });
      return end;
    } catch (...) {
      const std::uint64_t end = now();
      results.truncate(start);
      results.claim(sizeof(SettledHeader));
      write(results, start, {.nanoseconds = end - begun, .failed = 1});
      encodeThrown(results, item);
    }
    return now();
  }

  static void write(PayloadWriter& results, std::size_t start, SettledHeader header) {
    std::memcpy(results.data() + start, &header, sizeof header);
  }

  ItemCallback<Callback, ItemOf<Items>> callback_;
  ItemReader<Items> items_;
  bool keepsThrows_;
};

/// Collects an outcome an item, in order.
template <class Items, class Callback>
class SettleOperation final : public ItemOperation<Items, Callback, SettleKernel<Items, Callback>> {
  using Base = ItemOperation<Items, Callback, SettleKernel<Items, Callback>>;
  using Result = ItemResult<Callback, ItemOf<Items>>;
  using Settled = Outcome<Result>;

 public:
  SettleOperation(const Items& items, const Callback& callback, std::uint64_t seed, int retries)
      : Base(items, callback, seed), retries_(retries) {
    const Failure neverBegun(
        std::make_exception_ptr(Interrupted("the item was not begun before the deadline")));
    const std::uint64_t count = countItems(items);
    outcomes_.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      outcomes_.emplace_back(neverBegun, OutcomeDetails{});
    }
  }

  [[nodiscard]] Operation::Shape shape() const override {
    Operation::Shape shape = Base::shape();
    shape.answersAtOnce = true;
    shape.resultBytes = sizeof(SettledHeader);
    if constexpr (!std::is_void_v<Result>) {
      shape.resultBytes += sizeof(Result);
    }
    return shape;
  }
  void describe(PayloadWriter& setup) const override {
    Base::describe(setup);
    setup.writeWord(retries_ == 0 ? 1 : 0);
  }
  void accept(std::uint64_t first, std::uint64_t count, ByteView bytes) override {
    PayloadReader reader(bytes);
    const auto host = decode<std::string>(reader);
    for (std::uint64_t item = first; item < first + count; ++item) {
      SettledHeader header;
      reader.read(&header, sizeof header);
      OutcomeDetails details = nextAttempt(item, header.nanoseconds, host);
      if (header.failed != 0) {
        put(item, Settled(decodeThrown(reader), std::move(details)));
      } else if constexpr (std::is_void_v<Result>) {
        put(item, Settled(std::move(details)));
      } else {
        put(item, Settled(decode<Result>(reader), std::move(details)));
      }
    }
    reader.expectEnd();
  }

  // An item's outcome is its last attempt's, until a later one brings another.
  [[nodiscard]] bool settles() const override { return true; }
  [[nodiscard]] bool tellsAttempts() const override { return true; }
  void attemptFailed(std::uint64_t item, const std::exception_ptr& error,
                     std::chrono::nanoseconds took) override {
    const auto nanoseconds = static_cast<std::uint64_t>(took.count());
    put(item, Settled(error, nextAttempt(item, nanoseconds, hostOfError(error))));
  }
  [[nodiscard]] const char* name() const override { return "mapSettled"; }
  [[nodiscard]] bool returnsAtDeadline() const override { return true; }
  [[nodiscard]] std::optional<std::uint64_t> failedItems() const override { return failedItems_; }

  std::vector<Settled> takeOutcomes() { return std::move(outcomes_); }

 private:
  [[nodiscard]] OutcomeDetails nextAttempt(std::uint64_t item, std::uint64_t nanoseconds,
                                           std::string host) const {
    return {.attempts = outcomes_[item].getAttempts() + 1,
            .duration = std::chrono::nanoseconds(nanoseconds),
            .host = std::move(host)};
  }

  /// Not to throw half-way, where there is no assignment.
  void put(std::uint64_t item, Settled settled) noexcept(!std::is_move_assignable_v<Settled>) {
    const Settled& before = outcomes_[item];
    failedItems_ -= before.getAttempts() > 0 && !before ? 1 : 0;
    failedItems_ += settled ? 0 : 1;
    if constexpr (std::is_move_assignable_v<Settled>) {
      outcomes_[item] = std::move(settled);
    } else {
      std::destroy_at(&outcomes_[item]);
      std::construct_at(&outcomes_[item], std::move(settled));
    }
  }

  int retries_;
  std::uint64_t failedItems_ = 0;
  std::vector<Settled> outcomes_;  // those of items that no attempt has ended at say so
};

}  // namespace procession::detail
