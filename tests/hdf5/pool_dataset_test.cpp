#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "hdf5/test_file.hpp"
#include "procession/error.hpp"
#include "procession/hdf5.hpp"
#include "procession/process_pool.hpp"
#include "support/scratch_folder.hpp"

namespace procession::test {
namespace {

using hdf5::Dataset;

class PoolDatasetTest : public testing::TestWithParam<int> {
 protected:
  [[nodiscard]] std::string file() const { return (folder_.path() / "data.h5").string(); }

  ScratchFolder folder_;
};

TEST_P(PoolDatasetTest, MapsFiltersAndReducesWhatWorkersRead) {
  constexpr std::size_t kSize = 50'001;
  auto values = counting<double>(kSize);
  for (double& value : values) {
    value = 1 / (1 + value);
  }
  TestFile(file()).write("/values", {kSize}, values, {.chunk = {999}, .gzip = 1, .shuffle = true});
  const Dataset<double> dataset(file(), "/values");
  ProcessPool pool(GetParam());

  const auto squares = pool.map(dataset, [](double value) { return value * value; });
  const auto large = pool.filter(dataset, [](double value) { return value > 0.001; });
  const double sum = pool.reduce(dataset, std::plus<>{}, 0.0);

  ASSERT_EQ(squares.size(), kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    ASSERT_EQ(squares[i], values[i] * values[i]);
  }
  EXPECT_EQ(large, std::vector<double>(values.begin(), values.begin() + 999));
  EXPECT_EQ(sum, ProcessPool(1).reduce(values, std::plus<>{}, 0.0))
      << "the same bits as from memory";
}

TEST_P(PoolDatasetTest, SettlesWhatWorkersRead) {
  TestFile(file()).write("/values", {1000}, counting<int>(1000), {.chunk = {99}});
  ProcessPool pool(GetParam());

  const auto outcomes = pool.mapSettled(Dataset<int>(file(), "/values"), [](int value) {
    return value % 10 == 3 ? throw std::domain_error("three") : 2 * value;
  });

  ASSERT_EQ(outcomes.size(), 1000u);
  for (std::size_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(outcomes[i].valueOr(-1), i % 10 == 3 ? -1 : static_cast<int>(2 * i));
  }
}

TEST_P(PoolDatasetTest, RowsAreItems) {
  TestFile(file()).write("/table", {1000, 3}, counting<int>(3000), {.chunk = {7, 2}});
  ProcessPool pool(GetParam());

  const auto sums =
      pool.map(Dataset<std::array<int, 3>>(file(), "/table"),
               [](const std::array<int, 3>& row) { return row[0] + row[1] + row[2]; });
  const auto lengths = pool.map(
      Dataset<std::vector<double>>(file(), "/table"),
      [](const std::vector<double>& row) { return std::accumulate(row.begin(), row.end(), 0.0); });

  for (std::size_t i = 0; i < 1000; ++i) {
    const int expected = static_cast<int>(9 * i + 3);
    ASSERT_EQ(sums[i], expected);
    ASSERT_EQ(lengths[i], expected);
  }
}

TEST_P(PoolDatasetTest, AnEmptyDatasetHasNoItems) {
  TestFile(file()).write("/empty", {0}, std::vector<int>{});
  ProcessPool pool(GetParam());
  EXPECT_TRUE(pool.map(Dataset<int>(file(), "/empty"), [](int value) { return value; }).empty());
  EXPECT_EQ(pool.reduce(Dataset<int>(file(), "/empty"), std::plus<>{}, 7), 7);
}

TEST_P(PoolDatasetTest, AFileThatIsDamagedIsNamedAndThePoolGoesOn) {
  TestFile(file()).write("/values", {100'000}, counting<int>(100'000),
                         {.chunk = {1000}, .checksum = true});
  const Dataset<int> dataset(file(), "/values");
  {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(300'000);
    stream << "damage";
  }
  ProcessPool pool(GetParam());
  try {
    (void)pool.map(dataset, [](int value) { return value; });
    ADD_FAILURE() << "mapped";
  } catch (const TaskError& error) {
    EXPECT_EQ(error.getType(), "procession::Hdf5Error");
    EXPECT_EQ(error.getMessage(), "cannot read \"/values\" in \"" + file() +
                                      "\": data error detected by Fletcher32 checksum");
    EXPECT_TRUE(error.getItem().has_value());
  }
  EXPECT_EQ(pool.map(std::vector{1, 2}, [](int value) { return 2 * value; }), (std::vector{2, 4}));
}

TEST_P(PoolDatasetTest, AFileThatIsGoneIsNamedAndThePoolGoesOn) {
  TestFile(file()).write("/values", {1000}, counting<int>(1000));
  const Dataset<int> dataset(file(), "/values");
  std::filesystem::remove(file());
  ProcessPool pool(GetParam());
  try {
    (void)pool.map(dataset, [](int value) { return value; });
    ADD_FAILURE() << "mapped";
  } catch (const Error& error) {
    EXPECT_NE(
        std::string(error.what()).find("cannot read \"" + file() + "\": No such file or directory"),
        std::string::npos)
        << error.what();
  }
  EXPECT_EQ(pool.map(std::vector{1, 2}, [](int value) { return 2 * value; }), (std::vector{2, 4}));
}

INSTANTIATE_TEST_SUITE_P(Workers, PoolDatasetTest, testing::Values(1, 2, 3, 7),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace procession::test
