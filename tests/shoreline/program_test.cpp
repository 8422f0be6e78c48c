#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/scratch_folder.hpp"

namespace procession::test {
namespace {

struct Finished {
  int status = 0;
  std::string output;
  std::string errors;
};

std::string contentOf(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The program as it was built.
class ProgramTest : public testing::Test {
 protected:
  [[nodiscard]] Finished run(const std::string& arguments,
                             const std::string& environment = "") const {
    const std::string command = environment + " '" + SHORELINE_PROGRAM + "' " + arguments + " > '" +
                                at("out") + "' 2> '" + at("err") + "'";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, contentOf(at("out")),
            contentOf(at("err"))};
  }
  [[nodiscard]] std::string at(const std::string& name) const {
    return (folder_.path() / name).string();
  }

  ScratchFolder folder_;
};

/// Without the times, which come last.
std::string figuresOf(const std::string& report) {
  return report.substr(0, report.find("\nTime, s\n"));
}
std::string figuresOfJson(const std::string& json) { return json.substr(0, json.find("\"run\"")); }

TEST_F(ProgramTest, PrintsTheReport) {
  const Finished result = run("");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.errors, "");
  for (const char* part : {"96,280 points in 12,326 segments", "island in lake", "Greenland",
                           "2,113,828", "Time, s", "Bins with the most shore"}) {
    EXPECT_NE(result.output.find(part), std::string::npos) << part << " in\n" << result.output;
  }
}

TEST_F(ProgramTest, PrintsTheSameForAnyNumberOfWorkers) {
  const Finished one = run("--workers 1 --json " + at("one"));
  for (const char* workers : {"2", "3", "7"}) {
    const Finished more = run(std::string("--workers ") + workers + " --json " + at("more"));
    EXPECT_EQ(figuresOf(more.output), figuresOf(one.output)) << workers;
    EXPECT_EQ(figuresOfJson(contentOf(at("more"))), figuresOfJson(contentOf(at("one")))) << workers;
  }
  const Finished serial = run("--json " + at("more"), "PROCESSION_BACKEND=serial");
  EXPECT_EQ(figuresOf(serial.output), figuresOf(one.output));
  EXPECT_EQ(figuresOfJson(contentOf(at("more"))), figuresOfJson(contentOf(at("one"))));
}

TEST_F(ProgramTest, RefusesBadInputInOneLine) {
  std::ofstream(at("text")) << "no data";
  const struct {
    std::string arguments;
    std::string message;  // a part of it
  } cases[] = {
      {"--workers 0", "--workers"},
      {"--workers -1", "--workers"},
      {"--workers many", "--workers"},
      {"--workers", "--workers"},
      {"--resolution x", "--resolution"},
      {"--resolution ''", "--resolution"},
      {"--resolution l --file " + at("text"), "--file excludes --resolution"},
      {"--file " + at("missing"), at("missing")},
      {"--file " + at("text"), "\"" + at("text") + "\": it is not an HDF5 file"},
      {"--file /usr/share/gmt-gshhg/binned_border_c.nc",
       "\"/usr/share/gmt-gshhg/binned_border_c.nc\""},
      {"--json " + at("missing/folder"), "\"" + at("missing/folder") + "\" cannot be written"},
      {"--json /dev/full", "\"/dev/full\" cannot be written"},
      {"--json", "--json"},
      {"--nonsense", "--nonsense"},
      {"nonsense", "nonsense"},
  };
  for (const auto& [arguments, message] : cases) {
    const Finished result = run(arguments);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_NE(result.errors.find(message), std::string::npos)
        << arguments << " says " << result.errors;
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
    EXPECT_EQ(result.errors.find("shoreline: "), 0u) << result.errors;
  }
}

TEST_F(ProgramTest, RefusesBadEnvironmentInOneLine) {
  for (const char* setting : {"PROCESSION_WORKERS=many", "PROCESSION_BACKEND=steam"}) {
    const Finished result = run("", setting);
    EXPECT_EQ(result.status, 2) << setting;
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
  }
}

TEST_F(ProgramTest, NamesADamagedFile) {
  std::filesystem::copy_file("/usr/share/gmt-gshhg/binned_GSHHS_i.nc", at("damaged"));
  {
    std::fstream stream(at("damaged"), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(1'000'000);
    stream << "this was not there";
  }
  const Finished result = run("--file " + at("damaged"));
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.errors.find("in \"" + at("damaged") + "\": "), std::string::npos)
      << result.errors;
  EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
}

TEST_F(ProgramTest, NamesAFileThatIsCutShort) {
  std::filesystem::copy_file("/usr/share/gmt-gshhg/binned_GSHHS_c.nc", at("short"));
  std::filesystem::resize_file(at("short"), 100'000);
  const Finished result = run("--file " + at("short"));
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.errors.find("truncated file: eof = 100000"), std::string::npos) << result.errors;
}

TEST_F(ProgramTest, HelpNamesEveryOption) {
  const Finished result = run("--help");
  EXPECT_EQ(result.status, 0);
  for (const char* option : {"--file", "--resolution", "--workers", "--json"}) {
    EXPECT_NE(result.output.find(option), std::string::npos) << option;
  }
}

}  // namespace
}  // namespace procession::test
