#include "procession/hdf5/dataset_reader.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "hdf5/test_file.hpp"
#include "procession/error.hpp"
#include "support/scratch_folder.hpp"

namespace procession::test {
namespace {

using hdf5::DatasetReader;

class DatasetReaderTest : public testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return (folder_.path() / "data.h5").string(); }

  ScratchFolder folder_;
};

TEST_F(DatasetReaderTest, GivesAnyRunInAnyOrder) {
  constexpr std::uint64_t kSize = 10'007;
  {
    TestFile writer(file());
    writer.write("/contiguous", {kSize}, counting<int>(kSize));
    writer.write("/chunked", {kSize}, counting<int>(kSize), {.chunk = {100}, .gzip = 1});
    writer.write("/odd", {kSize}, counting<int>(kSize), {.chunk = {997}});
  }
  std::mt19937_64 random(7);
  for (const char* path : {"/contiguous", "/chunked", "/odd"}) {
    DatasetReader<double> reader(file(), path);
    for (int round = 0; round < 300; ++round) {
      const std::uint64_t first = random() % (kSize + 1);
      const std::uint64_t count = random() % (kSize + 1 - first);
      const auto run =
          reader.readSpan(first, round % 2 == 0 ? count : std::min<std::uint64_t>(count, 5));
      for (std::size_t i = 0; i < run.size(); ++i) {
        ASSERT_EQ(run[i], static_cast<double>(first + i)) << path;
      }
    }
  }
}

TEST_F(DatasetReaderTest, GivesRunsOfRows) {
  TestFile(file()).write("/table", {1000, 4}, counting<int>(4000), {.chunk = {7, 3}, .gzip = 1});
  DatasetReader<std::vector<int>> vectors(file(), "/table");
  DatasetReader<std::array<int, 4>> arrays(file(), "/table");
  for (std::uint64_t first = 0; first < 1000; first += 13) {
    const std::uint64_t count = std::min<std::uint64_t>(30, 1000 - first);
    const auto rows = vectors.readSpan(first, count);
    const auto same = arrays.readSpan(first, count);
    for (std::uint64_t i = 0; i < count; ++i) {
      const int begin = static_cast<int>(4 * (first + i));
      ASSERT_EQ(rows[i], (std::vector<int>{begin, begin + 1, begin + 2, begin + 3}));
      ASSERT_EQ(same[i], (std::array<int, 4>{begin, begin + 1, begin + 2, begin + 3}));
    }
  }
}

TEST_F(DatasetReaderTest, ReadsAStoredChunkOnce) {
  TestFile(file()).write("/values", {1000}, counting<int>(1000), {.chunk = {100}, .gzip = 1});
  DatasetReader<int> reader(file(), "/values");
  const int* first = reader.read(250, 1);
  EXPECT_EQ(reader.read(200, 100), first - 50) << "the rest of the chunk is in the buffer";
  EXPECT_EQ(*reader.read(199, 1), 199);
}

TEST_F(DatasetReaderTest, ReadsAheadWhereThereAreNoChunks) {
  TestFile(file()).write("/values", {100'000}, counting<int>(100'000));
  DatasetReader<int> reader(file(), "/values");
  const int* first = reader.read(10, 1);
  EXPECT_EQ(reader.read(60'000, 1), first + 59'990);
  EXPECT_EQ(*reader.read(9, 1), 9);
}

TEST_F(DatasetReaderTest, RefusesRowsPastTheEndAndGoesOn) {
  TestFile(file()).write("/values", {10}, counting<int>(10));
  DatasetReader<int> reader(file(), "/values");
  EXPECT_EQ(*reader.read(9, 1), 9);
  EXPECT_THROW(reader.read(9, 2), std::out_of_range);
  EXPECT_THROW(reader.read(11, 0), std::out_of_range);
  EXPECT_EQ(*reader.read(3, 2), 3);
}

TEST_F(DatasetReaderTest, ClosesItsFile) {
  TestFile(file()).write("/values", {10}, counting<int>(10));
  {
    const DatasetReader<int> reader(file(), "/values");
    EXPECT_GT(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL), 0);
  }
  EXPECT_EQ(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL), 0);
}

}  // namespace
}  // namespace procession::test
