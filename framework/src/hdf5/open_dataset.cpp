#include "procession/detail/hdf5/open_dataset.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "hdf5/conversion.hpp"
#include "hdf5/error_stack.hpp"
#include "hdf5/file.hpp"
#include "hdf5/handle.hpp"
#include "hdf5/number_type.hpp"
#include "procession/error.hpp"

namespace procession::detail {

namespace {

constexpr std::uint64_t kWorthACall = std::uint64_t{256}
                                      << 10;  // bytes; less costs more in calls than in copying
constexpr std::uint64_t kSmallBand = std::uint64_t{4}
                                     << 20;  // bytes of chunks that are read as a whole
constexpr std::uint64_t kLargestCache = std::uint64_t{256}
                                        << 20;  // bytes, unless a single chunk is larger

/// How the dataset is stored.
struct Layout {
  std::uint64_t chunkRows = 0;  // 0: in one piece
  std::uint64_t chunkBytes = 0;
  std::uint64_t chunksAcross = 1;  // side by side in a band of rows

  [[nodiscard]] std::uint64_t bandBytes() const { return chunkBytes * chunksAcross; }
};

void requireNumbers(const DatasetHandle& dataset, const std::string& what) {
  const TypeHandle type(checked(H5Dget_type(dataset.get()), what));
  const H5T_class_t typeClass = checked(H5Tget_class(type.get()), what);
  if (typeClass != H5T_INTEGER && typeClass != H5T_FLOAT) {
    throwHdf5Error(what, std::string("it holds ") + nameOf(typeClass) + ", not numbers");
  }
}

void requireRank(int rank, int wanted, const std::string& what) {
  if (rank != wanted) {
    throwHdf5Error(what,
                   "it has rank " + std::to_string(rank) + "; these items need rank " +
                       std::to_string(wanted) +
                       (wanted == 1 ? " (rows of rank 2 are std::vector or std::array)" : ""));
  }
}

DatasetShape readShape(const SpaceHandle& space, const DatasetRequest& request,
                       const std::string& what) {
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) {
    throwHdf5Error(what, "it has no extent (a null dataspace)");
  }
  requireRank(checked(H5Sget_simple_extent_ndims(space.get()), what), request.rank, what);
  std::array<hsize_t, 2> extent{0, 1};
  checked(H5Sget_simple_extent_dims(space.get(), extent.data(), nullptr), what);
  if (request.columns != 0 && extent[1] != request.columns) {
    throwHdf5Error(what, "its rows have " + std::to_string(extent[1]) + " numbers, not " +
                             std::to_string(request.columns));
  }
  return {extent[0], extent[1]};
}

Layout readLayout(const DatasetHandle& dataset, const DatasetShape& shape, int rank,
                  const std::string& what) {
  const PropertiesHandle creation(checked(H5Dget_create_plist(dataset.get()), what));
  if (H5Pget_layout(creation.get()) != H5D_CHUNKED) {
    return {};
  }
  std::array<hsize_t, 2> chunk{1, 1};
  checked(H5Pget_chunk(creation.get(), rank, chunk.data()), what);
  const TypeHandle type(checked(H5Dget_type(dataset.get()), what));
  return {chunk[0], chunk[0] * chunk[1] * H5Tget_size(type.get()),
          (shape.columns + chunk[1] - 1) / chunk[1]};
}

ObjectHandle openChecked(const FileHandle& file, const DatasetRequest& request) {
  ObjectHandle object = openObject(file, request.file, request.path);
  if (H5Iget_type(object.get()) != H5I_DATASET) {
    throwHdf5Error("cannot read " + nameObject(request.file, request.path),
                   H5Iget_type(object.get()) == H5I_GROUP ? "it is a group, not a dataset"
                                                          : "it is a type, not a dataset");
  }
  return object;
}

/// Opens with a cache that keeps two bands of chunks, so that steps over a chunk's border unpack
/// nothing twice.
DatasetHandle openWithCache(const FileHandle& file, const DatasetRequest& request,
                            const Layout& layout, const std::string& what) {
  const PropertiesHandle access(checked(H5Pcreate(H5P_DATASET_ACCESS), what));
  if (layout.chunkBytes != 0) {
    const std::uint64_t bytes =
        std::max(layout.chunkBytes, std::min(2 * layout.bandBytes(), kLargestCache));
    const std::uint64_t slots =
        100 * (bytes / layout.chunkBytes) + 1;  // HDF5 advises a hundred for each chunk
    checked(H5Pset_chunk_cache(access.get(), std::min<std::uint64_t>(slots, 1'000'003), bytes, 1.0),
            what);
  }
  return DatasetHandle(checked(H5Dopen2(file.get(), request.path.c_str(), access.get()), what));
}

}  // namespace

struct OpenDataset::Handles {
  std::string what;  // "cannot read "/path" in "file""
  int rank;
  Layout layout;
  std::uint64_t rowBytes = 0;  // in memory
  FileHandle file;
  DatasetHandle dataset;
  SpaceHandle space;
  Conversion conversion;
};

OpenDataset::OpenDataset(const DatasetRequest& request) {
  const QuietErrors quiet;
  const std::string what = "cannot read " + nameObject(request.file, request.path);
  FileHandle file = openFile(request.file);
  Layout layout;
  {
    ObjectHandle object = openChecked(file, request);
    const DatasetHandle dataset(object.release());
    requireNumbers(dataset, what);
    const SpaceHandle space(checked(H5Dget_space(dataset.get()), what));
    shape_ = readShape(space, request, what);
    layout = readLayout(dataset, shape_, request.rank, what);
  }
  // Opened again, because the cache is chosen at the opening and its size depends on the layout.
  DatasetHandle dataset = openWithCache(file, request, layout, what);
  SpaceHandle space(checked(H5Dget_space(dataset.get()), what));
  Conversion conversion(TypeHandle(checked(H5Dget_type(dataset.get()), what)), request.number,
                        what);
  const std::uint64_t rowBytes = shape_.columns * H5Tget_size(memoryType(request.number));
  handles_ = std::make_unique<Handles>(Handles{what, request.rank, layout, rowBytes,
                                               std::move(file), std::move(dataset),
                                               std::move(space), std::move(conversion)});
}

OpenDataset::OpenDataset(OpenDataset&& other) noexcept = default;
OpenDataset& OpenDataset::operator=(OpenDataset&& other) noexcept = default;

OpenDataset::~OpenDataset() = default;

std::uint64_t OpenDataset::widen(std::uint64_t& first, std::uint64_t rows) const {
  checkRange(first, rows);
  const Layout& layout = handles_->layout;
  std::uint64_t end = first + rows;
  if (layout.chunkRows != 0 && layout.bandBytes() <= kSmallBand) {
    first -= first % layout.chunkRows;
    end += (layout.chunkRows - end % layout.chunkRows) % layout.chunkRows;
  } else {
    end = std::max(end, first + kWorthACall / std::max<std::uint64_t>(1, handles_->rowBytes));
  }
  return std::min(end, shape_.rows) - first;
}

void OpenDataset::checkRange(std::uint64_t first, std::uint64_t rows) const {
  if (first > shape_.rows || rows > shape_.rows - first) {
    throw std::out_of_range(handles_->what + ": rows " + std::to_string(first) + " to " +
                            std::to_string(first + rows) + " of " + std::to_string(shape_.rows));
  }
}

void OpenDataset::read(std::uint64_t first, std::uint64_t rows, void* target) {
  checkRange(first, rows);
  if (rows == 0 || shape_.columns == 0) {
    return;
  }
  const QuietErrors quiet;
  const Handles& h = *handles_;
  const std::array<hsize_t, 2> start{first, 0};
  const std::array<hsize_t, 2> count{rows, shape_.columns};
  checked(H5Sselect_hyperslab(h.space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                              nullptr),
          h.what);
  const SpaceHandle memory(checked(H5Screate_simple(h.rank, count.data(), nullptr), h.what));
  h.conversion.read(h.dataset, memory, h.space, target, h.what);
}

DatasetShape inspectDataset(const DatasetRequest& request) { return OpenDataset(request).shape(); }

}  // namespace procession::detail
