// The README shows only code that is compiled and run: each of its C++ blocks stands, word for
// word, between the markers of an example.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace procession {
namespace {

using Lines = std::vector<std::string>;

const std::filesystem::path kSource = PROCESSION_SOURCE_DIR;

Lines readLines(const std::filesystem::path& file) {
  std::ifstream stream(file);
  EXPECT_TRUE(stream) << file;
  Lines lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::size_t indentation(const std::string& line) { return line.find_first_not_of(' '); }

// Without the indentation that all lines share.
std::string joinedWithoutIndent(const Lines& lines) {
  std::size_t shared = std::string::npos;
  for (const std::string& line : lines) {
    shared = std::min(shared, indentation(line));
  }
  std::string text;
  for (const std::string& line : lines) {
    text += (line.empty() ? line : line.substr(shared)) + "\n";
  }
  return text;
}

/// Runs of lines after one that starts with `open` and before one that is `close`, by what follows
/// `open`.
std::multimap<std::string, std::string> findBlocks(const std::filesystem::path& file,
                                                   const std::string& open,
                                                   const std::string& close) {
  std::multimap<std::string, std::string> blocks;
  Lines block;
  std::string name;
  bool inside = false;
  for (const std::string& line : readLines(file)) {
    const std::string text = line.substr(std::min(indentation(line), line.size()));
    if (inside && text == close) {
      blocks.emplace(name, joinedWithoutIndent(block));
      inside = false;
    } else if (inside) {
      block.push_back(line);
    } else if (text.starts_with(open)) {
      inside = true;
      name = text.substr(open.size());
      block.clear();
    }
  }
  EXPECT_FALSE(inside) << file << ": a block is never closed";
  return blocks;
}

TEST(ReadmeTest, EveryCodeBlockIsPartOfAnExampleAndEveryMarkedPartIsShown) {
  std::map<std::string, std::string> parts;  // the text, and where it stands
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "apps/examples")) {
    if (entry.path().extension() == ".cpp") {
      for (const auto& [name, text] : findBlocks(entry.path(), "// [readme:", "// [readme:end]")) {
        parts.emplace(text, entry.path().filename().string() + " [" + name);
      }
    }
  }
  const auto shown = findBlocks(kSource / "README.md", "```cpp", "```");
  EXPECT_GE(shown.size(), 5u);
  for (const auto& [name, text] : shown) {
    EXPECT_EQ(parts.count(text), 1u) << "in the README, but in no example:\n" << text;
    parts.erase(text);
  }
  for (const auto& [text, place] : parts) {
    ADD_FAILURE() << "marked in " << place << ", but not in the README:\n" << text;
  }
}

}  // namespace
}  // namespace procession
