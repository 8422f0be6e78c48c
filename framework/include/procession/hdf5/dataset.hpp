#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "procession/detail/hdf5/open_dataset.hpp"
#include "procession/detail/wire/payload.hpp"
#include "procession/hdf5/dataset_reader.hpp"

namespace procession::hdf5 {

/// A dataset of numbers in an HDF5 file, as items of a pool: workers read their own part of the
/// file, and the parent reads none of it.
///
///     ProcessPool pool;
///     hdf5::Dataset<double> heights("waves.h5", "/buoy/height");
///     auto higher = [](double a, double b) { return std::max(a, b); };
///     double highest = pool.reduce(heights, higher, 0.0);
///
///     hdf5::Dataset<std::array<float, 3>> points("cloud.h5", "/xyz");      // rows of three
///     hdf5::Dataset<std::vector<double>> spectra("run.h5", "/spectra");    // rows of any length
///
/// With numbers as items the dataset has rank 1; with `std::array` or `std::vector` of numbers it
/// has rank 2 and its rows are the items. It may be contiguous, chunked or compressed, and of any
/// integer or floating-point type in any byte order: HDF5 converts. A value that the type asked for
/// cannot hold is an error (HDF5 by itself would put the nearest one in its place); digits that
/// float or an integer cannot hold are dropped as by a C++ cast.
///
/// The constructor opens the file, checks and closes it; the object holds names and sizes, no
/// handle. Every worker opens the file after it was forked and closes it when the operation ends.
/// Relative file names mean the folder that the parent is in when the operation starts; on several
/// hosts the file has to be on a file system that all of them see. Under `localOnly` workers are
/// forked from the parent as it is: it must have no file open in HDF5 then.
///
/// Throws Hdf5Error, which names the file, the path and the reason: no such file or dataset, not a
/// dataset, another rank or row length, elements that are no numbers, a file that is cut short or
/// damaged, or one that changed since.
template <detail::DatasetItem RowItem>
class Dataset {
 public:
  using Item = RowItem;
  class Reader;

  Dataset(std::string file, std::string path)
      : file_(std::move(file)), path_(std::move(path)), shape_(detail::inspectDataset(request())) {}

  [[nodiscard]] std::uint64_t size() const { return shape_.rows; }
  /// Numbers in a row; 1 where items are numbers.
  [[nodiscard]] std::uint64_t getColumns() const { return shape_.columns; }
  [[nodiscard]] const std::string& getFile() const { return file_; }
  [[nodiscard]] const std::string& getPath() const { return path_; }

  /// Items [first, first + count), read here and now. Throws Hdf5Error; std::out_of_range past the
  /// end.
  [[nodiscard]] std::vector<Item> read(std::uint64_t first, std::uint64_t count) const;
  [[nodiscard]] std::vector<Item> readAll() const { return read(0, size()); }

  /// What a worker needs to open the dataset; see detail::ItemSource.
  void describe(detail::PayloadWriter& writer) const;
  static std::unique_ptr<Reader> open(detail::PayloadReader& reader);

 private:
  using Row = detail::RowOf<Item>;

  [[nodiscard]] detail::DatasetRequest request() const {
    return {file_, path_, detail::numberOf<typename Row::Element>(), Row::kRank, Row::kColumns};
  }

  std::string file_;
  std::string path_;
  detail::DatasetShape shape_;
};

/// The dataset in a worker.
template <detail::DatasetItem RowItem>
class Dataset<RowItem>::Reader : public DatasetReader<RowItem> {
 public:
  /// Throws Hdf5Error when what is there is no longer what the parent saw.
  explicit Reader(const detail::DescribedDataset& described)
      : DatasetReader<RowItem>(described.file, described.path) {
    described.checkUnchanged(this->size(), this->getColumns());
  }
};

template <detail::DatasetItem RowItem>
std::vector<RowItem> Dataset<RowItem>::read(std::uint64_t first, std::uint64_t count) const {
  std::vector<Item> items;
  if constexpr (Row::kRank == 2 && Row::kColumns == 0) {
    DatasetReader<Item> reader(file_, path_);
    const auto rows = reader.readSpan(first, count);
    items.assign(rows.begin(), rows.end());
  } else {
    detail::OpenDataset dataset(request());
    dataset.checkRange(first, count);  // before so much memory is asked for
    items.resize(count);
    dataset.read(first, count, items.data());
  }
  return items;
}

template <detail::DatasetItem RowItem>
void Dataset<RowItem>::describe(detail::PayloadWriter& writer) const {
  // Workers may have been forked when the current folder was another.
  detail::DescribedDataset{std::filesystem::absolute(file_).string(), path_, shape_.rows,
                           shape_.columns}
      .encode(writer);
}

template <detail::DatasetItem RowItem>
std::unique_ptr<typename Dataset<RowItem>::Reader> Dataset<RowItem>::open(
    detail::PayloadReader& reader) {
  return std::make_unique<Reader>(detail::DescribedDataset::decode(reader));
}

}  // namespace procession::hdf5
