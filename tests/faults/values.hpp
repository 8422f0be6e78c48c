#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "faults/fault.hpp"

namespace procession::test {

/// Carried as a Boost archive.
using BoxedValue = std::map<std::string, std::vector<std::uint32_t>>;

/// SplitMix64's last steps; https://prng.di.unimi.it/splitmix64.c
inline std::uint64_t mixed(std::uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

/// What the callback returns for an item, computed anywhere.
template <class Value>
Value valueOf(const FaultyItem& item) {
  if constexpr (std::is_same_v<Value, std::string>) {
    return std::to_string(item.id) + std::string(item.bytes, static_cast<char>('a' + item.id % 26));
  } else if constexpr (std::is_same_v<Value, BoxedValue>) {
    return {{"item", {item.id, item.bytes}},
            {std::to_string(item.id), std::vector<std::uint32_t>(item.bytes / 4, item.id)}};
  } else if constexpr (std::is_same_v<Value, double>) {
    return static_cast<double>(mixed(item.id) >> 11) * 0x1p-53;  // sums depend on their order
  } else {
    return mixed(item.id);
  }
}

/// The callbacks of the suite.
template <class Value>
Value work(const std::string& folder, const FaultyItem& item) {
  befall(Book::in(folder), item);
  return valueOf<Value>(item);
}
inline bool isKept(const std::string& folder, const FaultyItem& item) {
  return work<std::uint64_t>(folder, item) % 3 != 0;
}
inline void workOnly(const std::string& folder, const FaultyItem& item) {
  befall(Book::in(folder), item);
}

/// The reduction of DESIGN section 6, by a function that knows nothing of chunks: node (size,
/// first) is the left half combined with the right one, where that has any item. `size` a power of
/// two.
template <class Leaves, class Combine>
auto reduced(const Leaves& leaves, std::size_t first, std::size_t size, Combine combine) {
  if (size == 1) {
    return leaves[first];
  }
  const auto left = reduced(leaves, first, size / 2, combine);
  const std::size_t middle = first + size / 2;
  return middle >= leaves.size() ? left : combine(left, reduced(leaves, middle, size / 2, combine));
}

}  // namespace procession::test
