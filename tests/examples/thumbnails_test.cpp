#include <gd.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "support/scratch_folder.hpp"

namespace procession::test {
namespace {

using Image = std::unique_ptr<gdImage, void (*)(gdImage*)>;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open(const std::filesystem::path& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode), std::fclose);
  if (!file) {
    throw std::runtime_error("cannot open " + path.string());
  }
  return file;
}

std::string contentOf(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Of a JPEG: its quality is the only thing that decides them.
std::string quantisationTables(const std::filesystem::path& path) {
  const std::string jpeg = contentOf(path);
  const std::size_t marker = jpeg.find("\xff\xdb");
  return marker == std::string::npos ? "" : jpeg.substr(marker, 2 + 2 + 1 + 64);
}

class ThumbnailsTest : public testing::Test {
 protected:
  ThumbnailsTest() { std::filesystem::create_directory(thumbnails_); }

  /// The left half is red, the right half blue.
  void writeJpeg(const std::string& name, int width, int height, int quality = 95) const {
    const Image image(gdImageCreateTrueColor(width, height), gdImageDestroy);
    gdImageFilledRectangle(image.get(), 0, 0, width / 2 - 1, height - 1, 0xff0000);
    gdImageFilledRectangle(image.get(), width / 2, 0, width - 1, height - 1, 0x0000ff);
    gdImageJpeg(image.get(), open(folder_.path() / name, "wb").get(), quality);
  }
  [[nodiscard]] Image readThumbnail(const std::string& name) const {
    return {gdImageCreateFromJpegEx(open(thumbnails_ / name, "rb").get(), 0), gdImageDestroy};
  }

  /// Runs the program on files of the folder; returns what it prints. Nothing on stderr.
  [[nodiscard]] std::string run(std::initializer_list<const char*> names) const {
    std::string command =
        std::string("'") + THUMBNAILS_PROGRAM + "' '" + thumbnails_.string() + "'";
    for (const char* name : names) {
      command += " '" + (folder_.path() / name).string() + "'";
    }
    const auto output = folder_.path() / "output";
    const auto errors = folder_.path() / "errors";
    command += " > '" + output.string() + "' 2> '" + errors.string() + "'";
    const int status = std::system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    EXPECT_EQ(contentOf(errors), "");
    return contentOf(output);
  }

  ScratchFolder folder_;
  const std::filesystem::path thumbnails_ = folder_.path() / "thumbnails";
};

TEST_F(ThumbnailsTest, FitIntoTheirFrameAndKeepTheirShape) {
  writeJpeg("wide.jpg", 1600, 900);
  writeJpeg("tall.jpg", 900, 1600);
  writeJpeg("exact.jpg", 1600, 1200);
  writeJpeg("small.jpg", 320, 200);
  writeJpeg("strip.jpg", 2000, 1);
  EXPECT_EQ(run({"wide.jpg", "tall.jpg", "exact.jpg", "small.jpg", "strip.jpg"}),
            "wide.jpg 800x450\ntall.jpg 338x600\nexact.jpg 800x600\nsmall.jpg 320x200\n"
            "strip.jpg 800x1\n0 of 5 files are damaged\n");
  const Image tall = readThumbnail("tall.jpg");
  ASSERT_TRUE(tall);
  EXPECT_EQ(gdImageSX(tall.get()), 338);
  EXPECT_EQ(gdImageSY(tall.get()), 600);
}

TEST_F(ThumbnailsTest, ShowWhatTheImagesShow) {
  writeJpeg("image.jpg", 1600, 900);
  static_cast<void>(run({"image.jpg"}));
  const Image image = readThumbnail("image.jpg");
  ASSERT_TRUE(image);
  const int left = gdImageGetPixel(image.get(), 200, 225);
  const int right = gdImageGetPixel(image.get(), 600, 225);
  EXPECT_GT(gdTrueColorGetRed(left), 240);
  EXPECT_LT(gdTrueColorGetBlue(left), 15);
  EXPECT_LT(gdTrueColorGetRed(right), 15);
  EXPECT_GT(gdTrueColorGetBlue(right), 240);
}

TEST_F(ThumbnailsTest, AreOfQuality85) {
  writeJpeg("image.jpg", 1600, 900, 95);
  writeJpeg("quality85.jpg", 100, 100, 85);
  static_cast<void>(run({"image.jpg"}));
  EXPECT_EQ(quantisationTables(thumbnails_ / "image.jpg"),
            quantisationTables(folder_.path() / "quality85.jpg"));
  EXPECT_NE(quantisationTables(thumbnails_ / "image.jpg"),
            quantisationTables(folder_.path() / "image.jpg"));
}

TEST_F(ThumbnailsTest, DamagedFilesAreLeftOut) {
  writeJpeg("good.jpg", 1000, 1000);
  writeJpeg("last.jpg", 100, 100);
  const std::string good = contentOf(folder_.path() / "good.jpg");
  folder_.write("truncated.jpg", good.substr(0, good.size() / 2));
  folder_.write("header.jpg", good.substr(0, 20));
  folder_.write("garbled.jpg", std::string(good).replace(good.size() / 2, 16, 16, '\0'));
  folder_.write("empty.jpg", "");
  folder_.write("text.jpg", "not an image\n");
  EXPECT_EQ(run({"empty.jpg", "good.jpg", "truncated.jpg", "text.jpg", "missing.jpg", "header.jpg",
                 "garbled.jpg", "last.jpg"}),
            "good.jpg 600x600\nlast.jpg 100x100\n6 of 8 files are damaged\n");
  EXPECT_FALSE(std::filesystem::exists(thumbnails_ / "truncated.jpg"));
}

TEST_F(ThumbnailsTest, OfNothingAreNone) { EXPECT_EQ(run({}), "0 of 0 files are damaged\n"); }

}  // namespace
}  // namespace procession::test
