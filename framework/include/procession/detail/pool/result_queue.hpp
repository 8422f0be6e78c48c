#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "procession/detail/pool/operation.hpp"
#include "procession/detail/pool/running_operation.hpp"

namespace procession {

/// A result, and which item it is of.
template <class Value>
struct Indexed {
  std::uint64_t index = 0;
  Value value;
};

namespace detail {

/// Results that wait to be taken, in the order in which they came.
template <class Value>
class ResultQueue {
 public:
  [[nodiscard]] bool isEmpty() const { return next_ == results_.size(); }
  [[nodiscard]] Indexed<Value>& front() { return results_[next_]; }
  void pop() {
    if (++next_ == results_.size()) {
      results_.clear();  // its memory serves the next chunks
      next_ = 0;
    }
  }
  void push(std::uint64_t index, Value value) { results_.push_back({index, std::move(value)}); }

 private:
  std::vector<Indexed<Value>> results_;
  std::size_t next_ = 0;
};

/// An operation and the results that it brings, without the types of its items and callback.
template <class Value>
struct UnorderedStream {
  ResultQueue<Value> results;
  std::unique_ptr<Operation> operation;       // pushes to `results`
  std::unique_ptr<RunningOperation> running;  // null when it is over

  /// Waits until there is a result, or the operation is over. It is not driven before all that came
  /// is taken: this is what bounds memory.
  void await() {
    while (results.isEmpty() && running != nullptr) {
      try {
        if (running->step()) {
          continue;
        }
      } catch (...) {
        running.reset();
        throw;
      }
      running.reset();
    }
  }
  void advance() {
    results.pop();
    await();
  }
};

}  // namespace detail

}  // namespace procession
