#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "hdf5/test_file.hpp"
#include "procession/hdf5/attribute.hpp"
#include "procession/hdf5/dataset.hpp"
#include "support/scratch_folder.hpp"

// Files that other programs wrote: HDF5's own tools, and netCDF-4.

namespace procession::test {
namespace {

using hdf5::Dataset;

class ForeignFilesTest : public testing::Test {
 protected:
  void run(const std::string& command) const {
    ASSERT_EQ(
        std::system((command + " > '" + (folder_.path() / "log").string() + "' 2>&1").c_str()), 0)
        << command;
  }

  ScratchFolder folder_;
};

TEST_F(ForeignFilesTest, H5repackMayStoreItAnyWay) {
  const std::string original = (folder_.path() / "original.h5").string();
  const std::string repacked = (folder_.path() / "repacked.h5").string();
  const auto values = counting<double>(5000);
  TestFile(original).write("/values", {5000}, values);
  for (const char* how :
       {"-f GZIP=9 -l CHUNK=77", "-f SHUF -f GZIP=1 -l CHUNK=4999", "-f FLET -l CHUNK=1000",
        "-l COMPA", "-l CONTI", "-f SOFF=2,IN -l CHUNK=100", "--latest"}) {
    run(std::string(H5REPACK) + " " + how + " '" + original + "' '" + repacked + "'");
    EXPECT_EQ(Dataset<double>(repacked, "/values").readAll(), values) << how;
  }
}

TEST_F(ForeignFilesTest, H5importReadsText) {
  const std::string text = (folder_.path() / "table.txt").string();
  const std::string imported = (folder_.path() / "table.h5").string();
  std::ofstream(text) << "1.5 2.5 3.5\n4.5 5.5 6.5\n";
  run(std::string(H5IMPORT) + " '" + text + "' -d 2,3 -p group/table -t TEXTFP -s 32 -o '" +
      imported + "'");
  EXPECT_EQ((Dataset<std::array<double, 3>>(imported, "/group/table").readAll()),
            (std::vector<std::array<double, 3>>{{1.5, 2.5, 3.5}, {4.5, 5.5, 6.5}}));
}

TEST_F(ForeignFilesTest, NetcdfFilesAreHdf5Files) {
  for (const std::string resolution : {"c", "l", "i"}) {
    const std::string file = std::string(GSHHG_FOLDER) + "/binned_GSHHS_" + resolution + ".nc";
    const auto points = Dataset<std::uint64_t>(file, "/N_points_in_file").readAll();
    ASSERT_EQ(points.size(), 1u);
    const Dataset<int> longitudes(file, "/Relative_longitude_from_SW_corner_of_bin");
    EXPECT_EQ(longitudes.size(), points[0]);
    EXPECT_EQ(longitudes.readAll().size(), points[0]);
    EXPECT_EQ(hdf5::readText(file, "/", "version"), "2.3.7");
  }
}

}  // namespace
}  // namespace procession::test
