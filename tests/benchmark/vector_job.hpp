#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "pipe_workers.hpp"

namespace procession::benchmarks {

/// Sends a vector of plain values in chunks, as their bytes, and collects results of a fixed number
/// for each chunk.
template <class Item, class Result>
class VectorJob final : public PipeJob {
 public:
  /// `results` has room for one result an item, or for one a chunk.
  VectorJob(std::span<const Item> items, std::size_t chunkItems, std::span<Result> results)
      : items_(items),
        chunkItems_(chunkItems),
        results_(results),
        resultStride_(results.size() == items.size() ? chunkItems : 1) {}

  static std::size_t chunkCount(std::size_t items, std::size_t chunkItems) {
    return (items + chunkItems - 1) / chunkItems;
  }

  Bytes request(std::size_t index, std::size_t /*worker*/) override {
    const std::size_t first = index * chunkItems_;
    return std::as_bytes(items_.subspan(first, std::min(chunkItems_, items_.size() - first)));
  }
  std::byte* prepareReply(std::size_t index, std::size_t /*worker*/,
                          std::size_t /*size*/) override {
    return std::as_writable_bytes(results_.subspan(index * resultStride_)).data();
  }

 private:
  std::span<const Item> items_;
  std::size_t chunkItems_;
  std::span<Result> results_;
  std::size_t resultStride_;
};

/// The bytes of a request or reply as the values that they are.
template <class Value>
std::span<Value> valuesOf(std::span<std::byte> bytes) {
  return {reinterpret_cast<Value*>(bytes.data()), bytes.size() / sizeof(Value)};
}

}  // namespace procession::benchmarks
