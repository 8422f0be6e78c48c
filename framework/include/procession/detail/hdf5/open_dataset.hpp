#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "procession/detail/hdf5/number.hpp"
#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// A dataset, and how its caller wants to see it.
struct DatasetRequest {
  std::string file;
  std::string path;           // inside the file
  Number number;              // what elements become in memory
  int rank = 1;               // 1: items are elements; 2: items are rows
  std::uint64_t columns = 1;  // of a row; 0: as many as there are
};

/// What is there.
struct DatasetShape {
  std::uint64_t rows = 0;
  std::uint64_t columns = 1;
};

/// A dataset held open for reading. Whatever is wrong is an Hdf5Error that names the file, the path
/// and the reason; HDF5 itself prints nothing.
///
/// Not to be carried across a fork: HDF5 keeps state in the process that opened the file.
class OpenDataset {
 public:
  /// Throws Hdf5Error when there is no dataset of numbers of the rank and row length asked for.
  explicit OpenDataset(const DatasetRequest& request);
  OpenDataset(OpenDataset&& other) noexcept;
  OpenDataset& operator=(OpenDataset&& other) noexcept;
  ~OpenDataset();

  [[nodiscard]] const DatasetShape& shape() const { return shape_; }
  /// How many rows to read when `rows` from `first` on are wanted and more are likely to follow: up
  /// to the end of the last stored chunk, from the beginning of the first one, to which `first` is
  /// moved; at least so many that a call is worth it. Large chunks are not widened to: the cache
  /// holds them.
  [[nodiscard]] std::uint64_t widen(std::uint64_t& first, std::uint64_t rows) const;
  /// Throws std::out_of_range unless there are rows [first, first + rows).
  void checkRange(std::uint64_t first, std::uint64_t rows) const;
  /// Reads rows [first, first + rows) into `target`, which has room for rows * columns elements.
  /// Throws Hdf5Error, std::out_of_range.
  void read(std::uint64_t first, std::uint64_t rows, void* target);

 private:
  struct Handles;

  std::unique_ptr<Handles> handles_;
  DatasetShape shape_;
};

/// Opens, checks, closes.
DatasetShape inspectDataset(const DatasetRequest& request);

/// A dataset as the parent describes it to its workers.
struct DescribedDataset {
  std::string file;
  std::string path;
  std::uint64_t rows = 0;
  std::uint64_t columns = 1;

  void encode(PayloadWriter& writer) const;
  /// Throws PayloadError.
  static DescribedDataset decode(PayloadReader& reader);
  /// Throws Hdf5Error unless the dataset has as many rows and columns as it had in the parent.
  void checkUnchanged(std::uint64_t rowsNow, std::uint64_t columnsNow) const;
};

}  // namespace procession::detail
