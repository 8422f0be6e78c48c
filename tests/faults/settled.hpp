#pragma once

#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "procession/process_pool.hpp"

namespace procession::test {

/// What one item came to by itself.
template <class Value>
struct Settled {
  std::optional<Value> value;
  std::exception_ptr error;  // in place of it
};

template <class Value, class Get>
Settled<Value> settledOf(Get get) {
  try {
    return {get(), nullptr};
  } catch (...) {
    return {std::nullopt, std::current_exception()};
  }
}

/// Runs these items, and gives one outcome an item.
template <class Value, class Item>
std::vector<Settled<Value>> settleAll(ProcessPool& pool, const std::vector<Item>& items,
                                      Value (*callback)(const std::string&, const Item&),
                                      const std::string& bound) {
  std::vector<Settled<Value>> settled;
  settled.reserve(items.size());
  for (const procession::Outcome<Value>& outcome :
       pool.mapSettled(items, bindFront(callback, bound))) {
    settled.push_back(settledOf<Value>([&outcome] { return outcome.value(); }));
  }
  return settled;
}

/// The same by submissions.
template <class Value, class Item>
std::vector<Settled<Value>> submitAll(ProcessPool& pool, const std::vector<Item>& items,
                                      Value (*callback)(const std::string&, const Item&),
                                      const std::string& bound) {
  std::vector<Future<Value>> futures;
  futures.reserve(items.size());
  for (const Item& item : items) {
    futures.push_back(pool.submit(callback, bound, item));
  }
  std::vector<Settled<Value>> settled;
  settled.reserve(items.size());
  for (const Future<Value>& future : futures) {
    settled.push_back(settledOf<Value>([&future] { return future.get(); }));
  }
  return settled;
}

}  // namespace procession::test
