// thumbnails FOLDER FILE...: writes small versions of JPEG files to the folder. Damaged files are
// filtered out first.

#include <gd.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

constexpr int kWidth = 800;
constexpr int kHeight = 600;
constexpr int kQuality = 85;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
using Image = std::unique_ptr<gdImage, void (*)(gdImage*)>;

/// Null when the file is not a JPEG that is whole. libgd fills what is missing with grey, and only
/// tells its error method; that has no argument for our own, but in a process of our own a global
/// variable is as good.
Image load(const std::string& path) {
  static bool isDamaged;
  isDamaged = false;
  gdSetErrorMethod([](int, const char*, std::va_list) { isDamaged = true; });

  const File file(std::fopen(path.c_str(), "rb"), std::fclose);
  constexpr int kTellWarnings = 0;
  Image image(file ? gdImageCreateFromJpegEx(file.get(), kTellWarnings) : nullptr, gdImageDestroy);
  if (isDamaged) {
    image.reset();
  }
  return image;
}

bool isIntact(const std::string& path) { return load(path) != nullptr; }

struct Size {
  int width;
  int height;
};

/// The largest size of the same shape that fits, but none that is larger than the image.
Size fit(Size image) {
  const double scale =
      std::min({1.0, double{kWidth} / image.width, double{kHeight} / image.height});
  const auto scaled = [scale](int length) {
    return std::max(1, static_cast<int>(std::lround(scale * length)));
  };
  return {scaled(image.width), scaled(image.height)};
}

Size makeThumbnail(const std::string& folder, const std::string& path) {
  const Image image = load(path);
  if (!image) {
    throw std::runtime_error(path + " was intact a moment ago");
  }
  const Size from{gdImageSX(image.get()), gdImageSY(image.get())};
  const Size to = fit(from);
  const Image small(gdImageCreateTrueColor(to.width, to.height), gdImageDestroy);
  gdImageCopyResampled(small.get(), image.get(), 0, 0, 0, 0, to.width, to.height, from.width,
                       from.height);

  const auto target = std::filesystem::path(folder) / std::filesystem::path(path).filename();
  const File file(std::fopen(target.c_str(), "wb"), std::fclose);
  if (!file) {
    throw std::runtime_error("cannot write " + target.string());
  }
  gdImageJpeg(small.get(), file.get(), kQuality);
  return to;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [&] {
    if (argc < 2) {
      std::cerr << "usage: " << argv[0] << " FOLDER FILE...\n";
      return 2;
    }
    const std::string folder = argv[1];
    const std::vector<std::string> files(argv + 2, argv + argc);

    const auto intact = Process::filter(files, isIntact);
    const auto sizes = Process::map(intact, bindFront(makeThumbnail, folder));

    for (std::size_t i = 0; i < intact.size(); ++i) {
      std::cout << std::filesystem::path(intact[i]).filename().string() << " " << sizes[i].width
                << "x" << sizes[i].height << "\n";
    }
    std::cout << files.size() - intact.size() << " of " << files.size() << " files are damaged\n";
    return 0;
  });
}
