// word_counts FILE...: the most frequent words of text files, counted file by file in the workers.

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

using Counts = std::map<std::string, long>;

// Adds a file's words, in lower case and of letters alone, to the counts.
Counts countWords(Counts counts, const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("cannot read " + path);
  }
  std::string word;
  for (std::istreambuf_iterator<char> next(file), end; next != end; ++next) {
    if (const auto letter = static_cast<unsigned char>(*next); std::isalpha(letter)) {
      word += static_cast<char>(std::tolower(letter));
    } else if (!word.empty()) {
      ++counts[std::exchange(word, {})];
    }
  }
  if (!word.empty()) {
    ++counts[word];
  }
  return counts;
}

Counts addCounts(Counts counts, const Counts& others) {
  for (const auto& [word, count] : others) {
    counts[word] += count;
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [&] {
    const std::vector<std::string> paths(argv + 1, argv + argc);
    ProcessPool pool;
    // [readme:aggregate]
    // countWords adds the words of a file to counts, addCounts adds up the counts of two groups.
    const auto counts = pool.aggregate(paths, Counts(), countWords, addCounts);
    // [readme:end]

    std::vector<std::pair<std::string, long>> words(counts.begin(), counts.end());
    std::ranges::stable_sort(words, std::ranges::greater(), [](auto& word) { return word.second; });
    std::cout << words.size() << " different words in " << paths.size() << " files\n";
    for (std::size_t i = 0; i < std::min<std::size_t>(words.size(), 5); ++i) {
      std::cout << words[i].second << " " << words[i].first << "\n";
    }
  });
}
