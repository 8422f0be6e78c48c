#include <errno.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "hdf5/test_file.hpp"
#include "procession/error.hpp"
#include "procession/hdf5/attribute.hpp"
#include "procession/hdf5/dataset.hpp"
#include "support/scratch_folder.hpp"

// What flock(2) answers in this program, HDF5 included; 0: success.
static int lockAnswer = 0;

extern "C" int flock(int, int) {
  errno = lockAnswer;
  return lockAnswer == 0 ? 0 : -1;
}

namespace procession::test {
namespace {

using hdf5::Dataset;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

/// What goes wrong when `action` runs; nothing else may come out.
template <class Action>
std::string messageOf(Action action) {
  CaptureStderr();
  std::string message = "(no Hdf5Error)";
  try {
    action();
  } catch (const Hdf5Error& error) {
    message = error.what();
  }
  EXPECT_EQ(GetCapturedStderr(), "");
  return message;
}

class DatasetErrorTest : public testing::Test {
 protected:
  ~DatasetErrorTest() override { lockAnswer = 0; }

  [[nodiscard]] std::string file() const { return (folder_.path() / "data.h5").string(); }
  template <class Item = double>
  std::string open(const std::string& path) {
    return messageOf([&] { Dataset<Item>(file(), path); });
  }
  template <class Item>
  std::string read(const std::string& path) {
    return messageOf([&] { (void)Dataset<Item>(file(), path).readAll(); });
  }
  /// The message that begins with `what`, names path and file and ends with the reason.
  [[nodiscard]] std::string about(const std::string& what, const std::string& path,
                                  const std::string& reason) const {
    return what + " \"" + path + "\" in \"" + file() + "\": " + reason;
  }
  void write(const std::string& text) const { std::ofstream(file(), std::ios::binary) << text; }
  [[nodiscard]] std::string content() const {
    std::ifstream stream(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  ScratchFolder folder_;
};

TEST_F(DatasetErrorTest, NamesAFileThatIsNotThere) {
  EXPECT_EQ(open("/x"), "cannot read \"" + file() + "\": No such file or directory");
}

TEST_F(DatasetErrorTest, NamesAFolder) {
  std::filesystem::create_directory(file());
  EXPECT_EQ(open("/x"), "cannot read \"" + file() + "\": Is a directory");
}

TEST_F(DatasetErrorTest, NamesAFileThatIsNotHdf5) {
  for (const char* text : {"", "hello, world\n"}) {
    write(text);
    EXPECT_EQ(open("/x"),
              "cannot read \"" + file() + "\": it is not an HDF5 file (file signature not found)");
  }
}

TEST_F(DatasetErrorTest, NamesAnUnreadableFile) {
  // Root may read everything; a link that leads to itself nobody can.
  std::filesystem::create_symlink(file(), file());
  EXPECT_EQ(open("/x"), "cannot read \"" + file() + "\": Too many levels of symbolic links");
}

TEST_F(DatasetErrorTest, NamesThePartOfThePathThatIsNotThere) {
  {
    TestFile writer(file());
    writer.makeGroup("/group");
    writer.write("/group/values", {3}, counting<int>(3));
  }
  EXPECT_EQ(open("/x"), about("cannot open", "/x", "there is no \"/x\""));
  EXPECT_EQ(open("/group/x"), about("cannot open", "/group/x", "there is no \"/group/x\""));
  EXPECT_EQ(open("/x/values"), about("cannot open", "/x/values", "there is no \"/x\""));
  EXPECT_EQ(open("/group/values/x"),
            about("cannot open", "/group/values/x", "\"/group/values\" is not a group"));
  EXPECT_EQ(open(""), about("cannot open", "", "name parameter cannot be an empty string"));
}

TEST_F(DatasetErrorTest, NamesWhatIsNoDataset) {
  TestFile(file()).makeGroup("/group");
  EXPECT_EQ(open("/group"), about("cannot read", "/group", "it is a group, not a dataset"));
  EXPECT_EQ(open("/"), about("cannot read", "/", "it is a group, not a dataset"));
}

TEST_F(DatasetErrorTest, NamesAnotherRank) {
  {
    TestFile writer(file());
    writer.write("/scalar", {}, std::vector<int>{1});
    writer.write("/line", {3}, counting<int>(3));
    writer.write("/table", {3, 2}, counting<int>(6));
    writer.write("/cube", {1, 3, 2}, counting<int>(6));
    writer.writeNull("/null");
  }
  const std::string hint = " (rows of rank 2 are std::vector or std::array)";
  EXPECT_EQ(open("/table"),
            about("cannot read", "/table", "it has rank 2; these items need rank 1" + hint));
  EXPECT_EQ(open("/scalar"),
            about("cannot read", "/scalar", "it has rank 0; these items need rank 1" + hint));
  EXPECT_EQ(open<std::vector<int>>("/line"),
            about("cannot read", "/line", "it has rank 1; these items need rank 2"));
  EXPECT_EQ(open<std::vector<int>>("/cube"),
            about("cannot read", "/cube", "it has rank 3; these items need rank 2"));
  EXPECT_EQ((open<std::array<int, 3>>("/table")),
            about("cannot read", "/table", "its rows have 2 numbers, not 3"));
  EXPECT_EQ(open("/null"), about("cannot read", "/null", "it has no extent (a null dataspace)"));
}

TEST_F(DatasetErrorTest, NamesElementsThatAreNoNumbers) {
  const hid_t compound = H5Tcreate(H5T_COMPOUND, 8);
  H5Tinsert(compound, "a", 0, H5T_NATIVE_INT);
  const hid_t sequence = H5Tvlen_create(H5T_NATIVE_INT);
  {
    TestFile writer(file());
    writer.writeOther("/text", H5T_C_S1);
    writer.writeOther("/compound", compound);
    writer.writeOther("/sequence", sequence);
  }
  H5Tclose(compound);
  H5Tclose(sequence);
  EXPECT_EQ(open("/text"), about("cannot read", "/text", "it holds text, not numbers"));
  EXPECT_EQ(open("/compound"),
            about("cannot read", "/compound", "it holds compounds, not numbers"));
  EXPECT_EQ(open("/sequence"),
            about("cannot read", "/sequence", "it holds sequences of varying length, not numbers"));
}

TEST_F(DatasetErrorTest, RefusesValuesThatDoNotFit) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  {
    TestFile writer(file());
    writer.write("/negative", {2}, std::vector<short>{5, -1});
    writer.write("/large", {2}, std::vector<int>{5, 40'000});
    writer.write("/largeBig", {2}, std::vector<int>{5, 40'000}, {.type = H5T_STD_I32BE});
    writer.write("/huge", {2}, std::vector<double>{5, 1e300});
    writer.write("/hugeBig", {2}, std::vector<double>{5, 1e300}, {.type = H5T_IEEE_F64BE});
    writer.write("/infinite", {2}, std::vector<double>{5, -kInfinity});
    writer.write("/nan", {2}, std::vector<double>{5, std::numeric_limits<double>::quiet_NaN()});
  }
  EXPECT_EQ(read<std::uint16_t>("/negative"),
            about("cannot read", "/negative", "it holds values that do not fit uint16"));
  EXPECT_EQ(read<std::int16_t>("/large"),
            about("cannot read", "/large", "it holds values that do not fit int16"));
  EXPECT_EQ(read<std::int16_t>("/largeBig"),
            about("cannot read", "/largeBig", "it holds values that do not fit int16"));
  EXPECT_EQ(read<float>("/huge"),
            about("cannot read", "/huge", "it holds values that do not fit float"));
  EXPECT_EQ(read<float>("/hugeBig"),
            about("cannot read", "/hugeBig", "it holds values that do not fit float"));
  EXPECT_EQ(read<long>("/huge"),
            about("cannot read", "/huge", "it holds values that do not fit int64"));
  EXPECT_EQ(read<int>("/infinite"),
            about("cannot read", "/infinite", "it holds values that do not fit int32"));
  EXPECT_EQ(read<int>("/nan"),
            about("cannot read", "/nan", "it holds values that do not fit int32"));
}

TEST_F(DatasetErrorTest, NamesAFileThatIsCutShort) {
  TestFile(file()).write("/values", {100'000}, counting<int>(100'000));
  std::filesystem::resize_file(file(), 200'000);
  EXPECT_EQ(open("/values").find("cannot read \"" + file() + "\": truncated file: eof = 200000"),
            0u)
      << open("/values");
}

TEST_F(DatasetErrorTest, NamesADatasetWhoseBytesAreDamaged) {
  TestFile(file()).write("/values", {100'000}, counting<int>(100'000),
                         {.chunk = {1000}, .checksum = true});
  std::string bytes = content();
  bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
  write(bytes);
  EXPECT_EQ(read<int>("/values"),
            about("cannot read", "/values", "data error detected by Fletcher32 checksum"));
}

TEST_F(DatasetErrorTest, NamesAFileThatIsCutShortWhileItIsOpen) {
  TestFile(file()).write("/values", {100'000}, counting<int>(100'000),
                         {.chunk = {1000}, .gzip = 1});
  hdf5::DatasetReader<int> reader(file(), "/values");
  std::filesystem::resize_file(file(), 20'000);
  const std::string message = messageOf([&] { reader.read(99'000, 1); });
  EXPECT_EQ(message.find(about("cannot read", "/values", "")), 0u) << message;
}

TEST_F(DatasetErrorTest, ReadsWithoutLocksWhereThereAreNone) {
  TestFile(file()).write("/values", {3}, counting<int>(3));
  for (const int answer : {ENOSYS, ENOLCK, EOPNOTSUPP, EBADF, EROFS, EACCES}) {
    lockAnswer = answer;
    EXPECT_EQ(Dataset<int>(file(), "/values").readAll(), counting<int>(3)) << answer;
  }
}

TEST_F(DatasetErrorTest, NamesAFileThatAnotherProgramIsWriting) {
  TestFile(file()).write("/values", {3}, counting<int>(3));
  lockAnswer = EWOULDBLOCK;
  EXPECT_EQ(open("/values"),
            "cannot read \"" + file() +
                "\": another program is writing to it (Resource temporarily unavailable)");
}

TEST_F(DatasetErrorTest, LeavesTheProgramsErrorPrintingAsItWas) {
  H5E_auto2_t before = nullptr;
  void* data = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &before, &data);
  open("/x");
  H5E_auto2_t after = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &after, &data);
  EXPECT_NE(before, nullptr);
  EXPECT_EQ(before, after);
}

TEST_F(DatasetErrorTest, LeavesNothingOpen) {
  TestFile(file()).write("/table", {3, 2}, counting<int>(6));
  open("/table");
  open("/x");
  EXPECT_EQ(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL), 0);
}

TEST_F(DatasetErrorTest, AttributesAreReadOrNamed) {
  {
    TestFile writer(file());
    writer.write("/values", {3}, counting<int>(3));
    writer.writeText("/values", "units", "metres", false);
    writer.writeText("/", "title", "a title", true);
  }
  EXPECT_EQ(hdf5::readText(file(), "/values", "units"), "metres");
  EXPECT_EQ(hdf5::readText(file(), "/", "title"), "a title");
  EXPECT_EQ(hdf5::readText(file(), "/values", "title"), std::nullopt);
  EXPECT_EQ(messageOf([&] { (void)hdf5::readText(file(), "/x", "title"); }),
            about("cannot open", "/x", "there is no \"/x\""));
}

}  // namespace
}  // namespace procession::test
