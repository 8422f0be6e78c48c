#include "shoreline/options.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>

namespace shoreline {

namespace {

constexpr int kWrongUse = 2;
constexpr int kMostWorkers = 65536;

/// Throws CLI::ValidationError when nothing could be written to `path`. Leaves what is there as it
/// is.
void requireWritable(const std::string& path) {
  const bool existed = std::filesystem::exists(path);
  const bool isWritable = std::ofstream(path, std::ios::app).is_open();
  if (!isWritable) {
    throw CLI::ValidationError("--json", "\"" + path + "\" cannot be written");
  }
  if (!existed) {
    std::filesystem::remove(path);
  }
}

/// The file to read. Throws CLI::ValidationError when it is not there.
std::string chooseFile(const std::string& file, const std::string& resolution) {
  if (!file.empty()) {
    return file;
  }
  std::string installed = fileOf(resolution.front());
  if (!std::filesystem::exists(installed)) {
    throw CLI::ValidationError("--resolution", "\"" + installed +
                                                   "\" is not there; the Debian package " +
                                                   packageOf(resolution.front()) + " brings it");
  }
  return installed;
}

}  // namespace

Options::Parsed Options::parse(int argc, char** argv) {
  Options options;
  std::string resolution = "l";
  CLI::App app("Measures the shorelines of the world, from the GSHHG database as GMT stores it.",
               "shoreline");
  auto* fileOption = app.add_option("--file", options.file,
                                    "A file binned_GSHHS_?.nc, instead of an installed one")
                         ->check(CLI::ExistingFile);
  app.add_option("--resolution", resolution, "c(rude), l(ow), i(ntermediate), h(igh) or f(ull)")
      ->check(CLI::IsMember({"c", "l", "i", "h", "f"}))
      ->capture_default_str()
      ->excludes(fileOption);
  app.add_option("--workers", options.workers,
                 "Worker processes; by default PROCESSION_WORKERS, else one a core")
      ->check(CLI::Range(1, kMostWorkers));
  app.add_option("--json", options.json, "Write the results to this file, too");
  try {
    app.parse(argc, argv);
    options.file = chooseFile(options.file, resolution);
    if (!options.json.empty()) {
      requireWritable(options.json);
    }
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return {0};
  } catch (const CLI::Error& error) {
    std::cerr << "shoreline: " << error.what() << '\n';
    return {kWrongUse};
  }
  return {std::nullopt, options};
}

std::string fileOf(char resolution) {
  return std::string("/usr/share/gmt-gshhg/binned_GSHHS_") + resolution + ".nc";
}

const char* packageOf(char resolution) {
  switch (resolution) {
    case 'h':
      return "gmt-gshhg-high";
    case 'f':
      return "gmt-gshhg-full";
    default:
      return "gmt-gshhg-low";
  }
}

}  // namespace shoreline
