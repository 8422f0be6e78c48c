#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace procession::detail {

/// The number types that datasets are read into. HDF5 converts from whatever the file holds.
enum class Number : std::uint8_t {
  Int8,
  Int16,
  Int32,
  Int64,
  UInt8,
  UInt16,
  UInt32,
  UInt64,
  Float,
  Double,
  LongDouble,
};

/// Characters count as the integers of their size; `bool` has no counterpart in HDF5.
template <class Value>
concept DatasetNumber = (std::integral<Value> && !std::same_as<std::remove_cv_t<Value>, bool>) ||
                        std::floating_point<Value>;

template <DatasetNumber Value>
consteval Number numberOf() {
  if constexpr (std::is_same_v<Value, float>) {
    return Number::Float;
  } else if constexpr (std::is_same_v<Value, double>) {
    return Number::Double;
  } else if constexpr (std::is_same_v<Value, long double>) {
    return Number::LongDouble;
  } else {
    static_assert(sizeof(Value) <= 8, "HDF5 knows integers of up to 64 bits");
    constexpr bool isSigned = std::is_signed_v<Value>;
    switch (sizeof(Value)) {
      case 1:
        return isSigned ? Number::Int8 : Number::UInt8;
      case 2:
        return isSigned ? Number::Int16 : Number::UInt16;
      case 4:
        return isSigned ? Number::Int32 : Number::UInt32;
      default:
        return isSigned ? Number::Int64 : Number::UInt64;
    }
  }
}

/// How an item maps to a dataset: a number to an element of rank 1, a run of numbers to a row of
/// rank 2.
template <class Item>
struct RowOf;  // not defined: no such item

template <DatasetNumber Value>
struct RowOf<Value> {
  using Element = Value;
  static constexpr int kRank = 1;
  static constexpr std::size_t kColumns = 1;
};

template <DatasetNumber Value, std::size_t columns>
struct RowOf<std::array<Value, columns>> {
  using Element = Value;
  static constexpr int kRank = 2;
  static constexpr std::size_t kColumns = columns;
};

template <DatasetNumber Value>
struct RowOf<std::vector<Value>> {
  using Element = Value;
  static constexpr int kRank = 2;
  static constexpr std::size_t kColumns = 0;  // as many as the dataset has
};

/// What `hdf5::Dataset` can have as items.
template <class Item>
concept DatasetItem = requires { RowOf<Item>::kRank; };

}  // namespace procession::detail
