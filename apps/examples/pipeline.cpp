// Three different stages, each in a process of its own; each hands several values on to the next.

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

// Words as they are written, and how many letters they have in all.
std::tuple<std::vector<std::string>, std::size_t> readWords(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  std::size_t letters = 0;
  for (std::string word; stream >> word;) {
    letters += word.size();
    words.push_back(std::move(word));
  }
  return {words, letters};
}

// How often each word occurs, and the most frequent one.
std::pair<std::map<std::string, int>, std::string> countWords(
    const std::vector<std::string>& words) {
  std::map<std::string, int> counts;
  for (const std::string& word : words) {
    ++counts[word];
  }
  const auto top = std::max_element(counts.begin(), counts.end(),
                                    [](auto& a, auto& b) { return a.second < b.second; });
  return {counts, top->first};
}

std::string report(const std::map<std::string, int>& counts, const std::string& top) {
  return std::to_string(counts.size()) + " different words; most frequent: " + top;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    const std::string text = "the fox and the hound and the hen and the corn and the end";

    // [readme:pipeline]
    ForkProcess reading(readWords, text);
    reading.start();
    reading.wait();
    auto [words, letters] = reading.getOutput();

    ForkProcess counting(countWords, words);
    counting.start();
    counting.wait();
    auto [counts, top] = counting.getOutput();

    ForkProcess writing(report, counts, top);
    writing.start();
    writing.wait();
    std::cout << writing.getOutput() << "\n";
    // [readme:end]
    std::cout << words.size() << " words, " << letters << " letters\n";
  });
}
