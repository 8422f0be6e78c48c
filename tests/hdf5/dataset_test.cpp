#include "procession/hdf5/dataset.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "hdf5/test_file.hpp"
#include "procession/detail/pool/item_source.hpp"
#include "procession/error.hpp"
#include "support/scratch_folder.hpp"

namespace procession::test {
namespace {

using detail::HeapPayload;
using detail::PayloadReader;
using hdf5::Dataset;

static_assert(detail::ItemSource<Dataset<double>>);
static_assert(detail::ItemSource<Dataset<std::array<float, 3>>>);
static_assert(detail::ItemSource<Dataset<std::vector<int>>>);
static_assert(!detail::DatasetItem<bool>);
static_assert(!detail::DatasetItem<std::string>);
static_assert(!detail::DatasetItem<std::vector<std::vector<int>>>);

class DatasetTest : public testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return (folder_.path() / "data.h5").string(); }

  ScratchFolder folder_;
};

TEST_F(DatasetTest, ReadsWhatWasWritten) {
  const auto values = counting<double>(1000);
  TestFile(file()).write("/values", {1000}, values);

  const Dataset<double> dataset(file(), "/values");

  EXPECT_EQ(dataset.size(), 1000u);
  EXPECT_EQ(dataset.getColumns(), 1u);
  EXPECT_EQ(dataset.readAll(), values);
  EXPECT_EQ(dataset.read(990, 10), std::vector<double>(values.end() - 10, values.end()));
  EXPECT_TRUE(dataset.read(1000, 0).empty());
}

TEST_F(DatasetTest, ReadsEveryLayout) {
  const auto values = counting<int>(1003);
  {
    TestFile writer(file());
    writer.write("/contiguous", {1003}, values);
    writer.write("/chunked", {1003}, values, {.chunk = {64}});
    writer.write("/compressed", {1003}, values, {.chunk = {100}, .gzip = 9, .shuffle = true});
    writer.write("/checked", {1003}, values, {.chunk = {1}, .checksum = true});
    writer.write("/one", {1003}, values, {.chunk = {1003}, .gzip = 1});
    writer.makeGroup("/deep");
    writer.write("/deep/down", {1003}, values);
  }
  for (const char* path :
       {"/contiguous", "/chunked", "/compressed", "/checked", "/one", "/deep/down", "chunked"}) {
    EXPECT_EQ(Dataset<int>(file(), path).readAll(), values) << path;
  }
}

TEST_F(DatasetTest, ConvertsWidthSignAndByteOrder) {
  const std::vector<int> values{-32768, -1, 0, 1, 32767};
  {
    TestFile writer(file());
    writer.write("/little16", {5}, values, {.type = H5T_STD_I16LE});
    writer.write("/big16", {5}, values, {.type = H5T_STD_I16BE});
    writer.write("/big32", {5}, values, {.type = H5T_STD_I32BE});
    writer.write("/bigDouble", {5}, values, {.type = H5T_IEEE_F64BE});
  }
  for (const char* path : {"/little16", "/big16", "/big32", "/bigDouble"}) {
    EXPECT_EQ(Dataset<int>(file(), path).readAll(), values) << path;
    EXPECT_EQ(Dataset<double>(file(), path).readAll(),
              std::vector<double>(values.begin(), values.end()))
        << path;
    EXPECT_EQ(Dataset<std::int16_t>(file(), path).readAll(),
              std::vector<std::int16_t>(values.begin(), values.end()))
        << path;
    EXPECT_EQ(Dataset<long double>(file(), path).readAll(),
              std::vector<long double>(values.begin(), values.end()))
        << path;
  }
}

TEST_F(DatasetTest, ReadsEveryNumberType) {
  TestFile(file()).write("/values", {100}, counting<signed char>(100));
  const auto check = [&]<class Number>(Number) {
    EXPECT_EQ(Dataset<Number>(file(), "/values").readAll(), counting<Number>(100))
        << typeid(Number).name();
  };
  check(char{}), check(static_cast<signed char>(0)), check(static_cast<unsigned char>(0)),
      check(short{});
  check(static_cast<unsigned short>(0)), check(0), check(0u), check(0L), check(0UL), check(0LL),
      check(0ULL);
  check(0.0F), check(0.0), check(0.0L);
}

TEST_F(DatasetTest, DropsDigitsAsACastDoes) {
  TestFile(file()).write("/values", {4}, std::vector<double>{0.1, 2.75, -2.75, 16777217.0});
  EXPECT_EQ(Dataset<float>(file(), "/values").readAll(),
            (std::vector<float>{0.1F, 2.75F, -2.75F, 16777216.0F}));
  EXPECT_EQ(Dataset<int>(file(), "/values").readAll(), (std::vector<int>{0, 2, -2, 16777217}));
}

TEST_F(DatasetTest, KeepsInfinitiesAndNaNs) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  {
    TestFile writer(file());
    const std::vector<double> odd{kInfinity, -kInfinity, std::nan("")};
    writer.write("/native", {3}, odd);
    writer.write("/big", {3}, odd, {.type = H5T_IEEE_F64BE});
  }
  for (const char* path : {"/native", "/big"}) {
    const auto doubles = Dataset<double>(file(), path).readAll();
    const auto floats = Dataset<float>(file(), path).readAll();
    EXPECT_TRUE(doubles[0] == kInfinity && doubles[1] == -kInfinity && std::isnan(doubles[2]))
        << path;
    EXPECT_TRUE(std::isinf(floats[0]) && std::isinf(floats[1]) && floats[1] < 0 &&
                std::isnan(floats[2]))
        << path;
  }
}

TEST_F(DatasetTest, GivesRowsOfRankTwo) {
  const auto values = counting<short>(12);
  {
    TestFile writer(file());
    writer.write("/table", {4, 3}, values);
    writer.write("/tiles", {4, 3}, values, {.chunk = {3, 2}, .gzip = 5});
  }
  for (const char* path : {"/table", "/tiles"}) {
    const Dataset<std::vector<double>> vectors(file(), path);
    EXPECT_EQ(vectors.size(), 4u);
    EXPECT_EQ(vectors.getColumns(), 3u);
    EXPECT_EQ(vectors.readAll(),
              (std::vector<std::vector<double>>{{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {9, 10, 11}}));
    EXPECT_EQ(vectors.read(2, 1), (std::vector<std::vector<double>>{{6, 7, 8}}));
    const Dataset<std::array<float, 3>> arrays(file(), path);
    EXPECT_EQ(arrays.read(1, 2), (std::vector<std::array<float, 3>>{{3, 4, 5}, {6, 7, 8}}));
  }
}

TEST_F(DatasetTest, ReadsNothingOfEmptyDatasets) {
  {
    TestFile writer(file());
    writer.write("/empty", {0}, std::vector<int>{});
    writer.write("/emptyChunked", {0}, std::vector<int>{}, {.chunk = {8}});
    writer.write("/noRows", {0, 3}, std::vector<int>{});
    writer.write("/noColumns", {3, 0}, std::vector<int>{});
  }
  EXPECT_TRUE(Dataset<int>(file(), "/empty").readAll().empty());
  EXPECT_TRUE(Dataset<int>(file(), "/emptyChunked").readAll().empty());
  EXPECT_TRUE((Dataset<std::array<int, 3>>(file(), "/noRows").readAll().empty()));
  EXPECT_EQ(Dataset<std::vector<int>>(file(), "/noColumns").readAll(),
            std::vector<std::vector<int>>(3));
}

TEST_F(DatasetTest, GivesTheFillValueWhereNothingWasWritten) {
  TestFile(file()).write("/values", {10}, H5T_NATIVE_INT32, nullptr, {.chunk = {4}});
  EXPECT_EQ(Dataset<int>(file(), "/values").readAll(), std::vector<int>(10));
}

TEST_F(DatasetTest, RefusesRowsPastTheEnd) {
  TestFile(file()).write("/values", {10}, counting<int>(10));
  const Dataset<int> dataset(file(), "/values");
  EXPECT_THROW((void)dataset.read(11, 0), std::out_of_range);
  EXPECT_THROW((void)dataset.read(5, 6), std::out_of_range);
  EXPECT_THROW((void)dataset.read(5, std::numeric_limits<std::uint64_t>::max()), std::out_of_range);
}

TEST_F(DatasetTest, IsOpenedByWorkersFromItsDescription) {
  TestFile(file()).write("/values", {1000}, counting<int>(1000), {.chunk = {64}, .gzip = 1});
  HeapPayload payload;
  Dataset<double>(file(), "/values").describe(payload);

  PayloadReader described(payload.view());
  const auto reader = Dataset<double>::open(described);

  EXPECT_EQ(described.remaining(), 0u);
  const double* items = reader->read(500, 100);
  EXPECT_TRUE(std::equal(items, items + 100, counting<double>(1000).begin() + 500));
}

TEST_F(DatasetTest, IsFoundByWorkersInAnotherFolder) {
  TestFile(file()).write("/values", {3}, counting<int>(3));
  const auto folder = std::filesystem::current_path();
  HeapPayload payload;
  std::filesystem::current_path(folder_.path());
  Dataset<int>("data.h5", "/values").describe(payload);
  std::filesystem::current_path(folder);

  PayloadReader described(payload.view());
  EXPECT_EQ(*Dataset<int>::open(described)->read(2, 1), 2);
}

TEST_F(DatasetTest, WorkersNoticeAnotherSize) {
  TestFile(file()).write("/values", {1000}, counting<int>(1000));
  HeapPayload payload;
  Dataset<int>(file(), "/values").describe(payload);
  TestFile(file()).write("/values", {999}, counting<int>(999));

  PayloadReader described(payload.view());
  try {
    Dataset<int>::open(described);
    ADD_FAILURE() << "opened";
  } catch (const Hdf5Error& error) {
    EXPECT_NE(std::string(error.what())
                  .find("it was 1000 x 1 when the operation began, and is 999 x 1 now"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(DatasetTest, HoldsNoFileOpen) {
  TestFile(file()).write("/values", {10}, counting<int>(10));
  const Dataset<int> dataset(file(), "/values");
  EXPECT_EQ(dataset.readAll().size(), 10u);
  EXPECT_EQ(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL), 0);
}

}  // namespace
}  // namespace procession::test
