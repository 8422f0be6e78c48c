#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>

#include "procession/detail/pool/result_queue.hpp"
#include "procession/detail/pool/running_operation.hpp"

namespace procession {

/// Results in the order in which they are done, as they are done: what ProcessPool::mapUnordered
/// returns. An input range, to be gone through once; begin() and every ++ wait for the next result.
///
///     for (auto& [index, value] : pool.mapUnordered(paths, measure)) {
///       std::cout << paths[index] << ": " << value << '\n';
///     }
///
/// What has come but was not taken yet is bounded by the chunks that workers have, whatever the
/// number of items: workers wait for a consumer that is slow. Leaving the loop, or the end of the
/// range's life, cancels the items that are not done.
///
/// Move-only; iterators hold while the range is moved. A range that was moved from is over.
template <class Value>
class UnorderedResults {
 public:
  class Iterator {
   public:
    using value_type = Indexed<Value>;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    Iterator() = default;
    explicit Iterator(detail::UnorderedStream<Value>& stream) : stream_(&stream) {}

    /// The result, to be moved from where it is large.
    Indexed<Value>& operator*() const { return stream_->results.front(); }
    Indexed<Value>* operator->() const { return &**this; }
    /// Throws what ended the operation early; then the range is over.
    Iterator& operator++() {
      stream_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& iterator, std::default_sentinel_t) {
      return iterator.stream_ == nullptr || iterator.stream_->results.isEmpty();
    }

   private:
    detail::UnorderedStream<Value>* stream_ = nullptr;
  };

  explicit UnorderedResults(std::unique_ptr<detail::UnorderedStream<Value>> stream)
      : stream_(std::move(stream)) {}

  /// At the next result. Throws what ended the operation early; then the range is over.
  [[nodiscard]] Iterator begin() {
    if (stream_ == nullptr) {
      return {};
    }
    stream_->await();
    return Iterator(*stream_);
  }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

 private:
  std::unique_ptr<detail::UnorderedStream<Value>> stream_;
};

}  // namespace procession
