#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace procession::benchmarks {

/// Strings of 100 bytes, and the same reversed.
struct StringInput {
  std::vector<std::string> strings;
  std::vector<std::string> reversed;
};

inline StringInput makeStringInput(std::size_t count) {
  constexpr std::size_t kStringSize = 100;
  StringInput input;
  for (std::size_t i = 0; i < count; ++i) {
    std::string text = std::to_string(i);
    while (text.size() < kStringSize) {
      text += static_cast<char>('a' + (text.size() + i) % 26);
    }
    input.reversed.emplace_back(text.rbegin(), text.rend());
    input.strings.push_back(std::move(text));
  }
  return input;
}

}  // namespace procession::benchmarks
