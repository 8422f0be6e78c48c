#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "procession/detail/hdf5/number.hpp"
#include "procession/detail/hdf5/open_dataset.hpp"

namespace procession::hdf5 {

/// Reads a dataset piece by piece, with the file held open and a buffer that makes small steps
/// cheap.
///
///     DatasetReader<double> reader("waves.h5", "/height");
///     for (double height : reader.readSpan(first, count)) { ... }
///
/// For loops that go forward in small steps, and for workers: each opens its own. What is read is a
/// whole number of stored chunks where these are small, so that a compressed chunk is unpacked once
/// and not once a step. An open reader must not be carried across a fork.
///
/// Complexity: memory for one stored chunk or 256 KiB, or for the longest run asked for, whichever
/// is more. Throws Hdf5Error, which names the file, the path and the reason.
template <detail::DatasetItem RowItem>
class DatasetReader {
 public:
  using Item = RowItem;

  DatasetReader(const std::string& file, const std::string& path)
      : dataset_(detail::DatasetRequest{file, path, detail::numberOf<Element>(), Row::kRank,
                                        Row::kColumns}) {}

  [[nodiscard]] std::uint64_t size() const { return dataset_.shape().rows; }
  /// Numbers in a row; 1 where items are numbers.
  [[nodiscard]] std::uint64_t getColumns() const { return dataset_.shape().columns; }

  /// Items [first, first + count), in place; valid until the next call.
  /// Throws Hdf5Error when they cannot be read, std::out_of_range when there are not as many.
  const Item* read(std::uint64_t first, std::uint64_t count) {
    if (first < begin_ || first - begin_ > held_ || count > held_ - (first - begin_)) {
      load(first, count);
    }
    return window() + (first - begin_);
  }
  std::span<const Item> readSpan(std::uint64_t first, std::uint64_t count) {
    return {read(first, count), static_cast<std::size_t>(count)};
  }

 private:
  using Row = detail::RowOf<Item>;
  using Element = typename Row::Element;
  /// Rows whose length only the file knows are copied out of the elements that were read; all
  /// others are those.
  static constexpr bool kCopiesRows = Row::kRank == 2 && Row::kColumns == 0;

  void load(std::uint64_t first, std::uint64_t count) {
    std::uint64_t begin = first;
    const std::uint64_t rows = dataset_.widen(begin, count);
    held_ = 0;  // until it is read, nothing is held
    reserve(rows);
    dataset_.read(begin, rows, elements_.get());
    if constexpr (kCopiesRows) {
      rows_.resize(std::max<std::size_t>(rows_.size(), rows));
      const Element* element = elements_.get();
      for (std::uint64_t row = 0; row < rows; ++row, element += getColumns()) {
        rows_[row].assign(element, element + getColumns());
      }
    }
    begin_ = begin;
    held_ = rows;
  }

  void reserve(std::uint64_t rows) {
    if (rows > capacity_) {
      elements_.reset();  // first, so that there are never two
      capacity_ = 0;
      const std::uint64_t columns = kCopiesRows ? getColumns() : 1;
      elements_ = std::make_unique_for_overwrite<Stored[]>(rows * columns);
      capacity_ = rows;
    }
  }

  const Item* window() const {
    if constexpr (kCopiesRows) {
      return rows_.data();
    } else {
      return elements_.get();
    }
  }

  using Stored = std::conditional_t<kCopiesRows, Element, Item>;

  detail::OpenDataset dataset_;
  std::unique_ptr<Stored[]> elements_;
  std::vector<std::conditional_t<kCopiesRows, Item, char>> rows_;
  std::uint64_t capacity_ = 0;  // rows that elements_ has room for
  std::uint64_t begin_ = 0;     // the first row held
  std::uint64_t held_ = 0;      // rows held
};

}  // namespace procession::hdf5
