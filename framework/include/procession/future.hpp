#pragma once

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "procession/detail/pool/submission.hpp"

namespace procession {

/// The result of a call that was handed to a pool, perhaps before it is there. From
/// ProcessPool::submit.
///
///     Future<double> area = pool.submit(integrate, 0.0, 1.0);
///     Future<double> other = pool.submit(integrate, 1.0, 2.0);
///     double sum = area.get() + other.get();
///
/// No thread works behind the program's back: between calls workers do what they have, and each
/// call of the pool, or of one of its futures, gives them more and takes in what is done. One that
/// waits does so for all submissions of the pool.
///
/// A failed call harms no other: get() throws what it came to (TaskError, WorkerLost, TaskTimeout;
/// Interrupted when a signal, the deadline or the end of the pool came first), after the retries of
/// the pool's options.
///
/// Futures may outlive their pool. One that is dropped changes nothing: the call is made.
/// Move-only; one that was moved from is not valid, and all it does is to throw std::logic_error.
///
/// Thread safety: as that of the pool, one call at a time for all its futures together.
template <class Result>
class Future {
 public:
  /// One that is not valid.
  Future() = default;
  explicit Future(std::shared_ptr<detail::Submission> submission)
      : submission_(std::move(submission)) {}
  Future(Future&&) noexcept = default;
  Future& operator=(Future&&) noexcept = default;
  Future(const Future&) = delete;
  Future& operator=(const Future&) = delete;
  ~Future() = default;

  /// Waits, and returns the result, or throws what came in its place. May be called again: each
  /// call returns a value of its own.
  Result get() const {
    detail::awaitSettled(submission());
    detail::PayloadReader bytes(detail::resultOf(submission()));
    if constexpr (std::is_void_v<Result>) {
      bytes.expectEnd();
    } else {
      Result result = detail::decode<Result>(bytes);
      bytes.expectEnd();
      return result;
    }
  }
  /// Waits until get() would not; throws nothing that the call came to.
  void wait() const { detail::awaitSettled(submission()); }
  /// The same, but no longer than that. True when get() would not wait.
  template <class Rep, class Period>
  bool waitFor(std::chrono::duration<Rep, Period> time) const {
    using Clock = std::chrono::steady_clock;
    // Compared as floating point: "for ever" must not overflow.
    constexpr std::chrono::duration<double> kLongest = std::chrono::hours(24 * 365);
    if (std::chrono::duration<double>(time) > kLongest) {
      detail::awaitSettled(submission());
    } else {
      detail::awaitSettled(submission(), Clock::now() + std::chrono::ceil<Clock::duration>(time));
    }
    return submission().isSettled();
  }
  /// True when get() would not wait. Takes in what is done, without waiting.
  [[nodiscard]] bool isReady() const { return waitFor(std::chrono::nanoseconds(0)); }

  /// True when no worker had been given the call; then it will never be made, and get() throws
  /// Interrupted. False when it is too late for that: nothing changes.
  bool cancel() { return detail::cancelSubmission(*checked()); }

  [[nodiscard]] bool isValid() const noexcept { return submission_ != nullptr; }

 private:
  template <class Other>
  friend class CompletedFutures;

  [[nodiscard]] const detail::Submission& submission() const { return *checked(); }
  [[nodiscard]] const std::shared_ptr<detail::Submission>& checked() const {
    if (submission_ == nullptr) {
      throw std::logic_error("this Future is empty, or was moved from");
    }
    return submission_;
  }

  std::shared_ptr<detail::Submission> submission_;
};

/// Futures in the order in which they become ready: what asCompleted returns. An input range, to be
/// gone through once; begin() and every ++ wait for the next one. Move-only.
template <class Result>
class CompletedFutures {
  struct Stream {
    std::vector<Future<Result>*> futures;
    detail::SettlingOrder order;
    std::optional<std::size_t> current{};
    bool hasBegun = false;

    void advance() { current = order.next(); }
  };

 public:
  class Iterator {
   public:
    using value_type = Future<Result>;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    Iterator() = default;
    explicit Iterator(Stream& stream) : stream_(&stream) {}

    Future<Result>& operator*() const { return *stream_->futures[*stream_->current]; }
    Future<Result>* operator->() const { return &**this; }
    Iterator& operator++() {
      stream_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& iterator, std::default_sentinel_t) {
      return iterator.stream_ == nullptr || !iterator.stream_->current;
    }

   private:
    Stream* stream_ = nullptr;
  };

  explicit CompletedFutures(std::vector<Future<Result>*> futures)
      : stream_(makeStream(std::move(futures))) {}

  [[nodiscard]] Iterator begin() {
    if (stream_ == nullptr) {
      return {};
    }
    if (!std::exchange(stream_->hasBegun, true)) {
      stream_->advance();
    }
    return Iterator(*stream_);
  }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

 private:
  static std::unique_ptr<Stream> makeStream(std::vector<Future<Result>*> futures) {
    std::vector<const detail::Submission*> submissions;
    submissions.reserve(futures.size());
    for (const Future<Result>* future : futures) {
      submissions.push_back(&future->submission());
    }
    return std::make_unique<Stream>(
        Stream{std::move(futures), detail::SettlingOrder(std::move(submissions))});
  }

  std::unique_ptr<Stream> stream_;
};

namespace detail {

template <class Candidate>
inline constexpr bool isFuture = false;
template <class Result>
inline constexpr bool isFuture<Future<Result>> = true;

template <class Result>
Result resultTypeOf(const Future<Result>&);

}  // namespace detail

/// The futures in the order in which they become ready, whether by a result or by a failure:
///
///     std::vector<Future<Page>> pages = ...;
///     for (Future<Page>& page : asCompleted(pages)) {
///       show(page.get());
///     }
///
/// `futures` has to live, and stay as it is, as long as the range. Futures of several pools are
/// taken together, but then those of one may be waited for a millisecond while others are ready.
template <class Futures>
  requires std::ranges::forward_range<Futures&> &&
           detail::isFuture<std::remove_reference_t<std::ranges::range_reference_t<Futures&>>>
[[nodiscard]] auto asCompleted(Futures& futures) {
  using Element = std::remove_reference_t<std::ranges::range_reference_t<Futures&>>;
  using Result = decltype(detail::resultTypeOf(std::declval<Element&>()));
  std::vector<Future<Result>*> pointers;
  pointers.reserve(static_cast<std::size_t>(std::ranges::distance(futures)));
  for (Future<Result>& future : futures) {
    pointers.push_back(&future);
  }
  return CompletedFutures<Result>(std::move(pointers));
}

}  // namespace procession
