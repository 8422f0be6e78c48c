#include <string>

#include "hdf5/file.hpp"
#include "procession/detail/hdf5/open_dataset.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/error.hpp"

namespace procession::detail {

void DescribedDataset::encode(PayloadWriter& writer) const {
  detail::encode(writer, file);
  detail::encode(writer, path);
  writer.writeWord(rows);
  writer.writeWord(columns);
}

DescribedDataset DescribedDataset::decode(PayloadReader& reader) {
  DescribedDataset described;
  described.file = detail::decode<std::string>(reader);
  described.path = detail::decode<std::string>(reader);
  described.rows = reader.readWord();
  described.columns = reader.readWord();
  return described;
}

void DescribedDataset::checkUnchanged(std::uint64_t rowsNow, std::uint64_t columnsNow) const {
  if (rowsNow != rows || columnsNow != columns) {
    const auto extent = [](std::uint64_t height, std::uint64_t width) {
      return std::to_string(height) + " x " + std::to_string(width);
    };
    throw Hdf5Error("cannot read " + nameObject(file, path) + ": it was " + extent(rows, columns) +
                    " when the operation began, and is " + extent(rowsNow, columnsNow) + " now");
  }
}

}  // namespace procession::detail
