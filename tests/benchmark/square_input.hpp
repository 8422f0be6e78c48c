#pragma once

#include <cstddef>
#include <vector>

namespace procession::benchmarks {

/// Doubles, and what squaring them gives.
struct SquareInput {
  std::vector<double> items;
  std::vector<double> squares;
};

inline SquareInput makeSquareInput(std::size_t count) {
  SquareInput input;
  input.items.resize(count);
  input.squares.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    input.items[i] = static_cast<double>(i % 1'000'003) * 0.25;
    input.squares[i] = input.items[i] * input.items[i];
  }
  return input;
}

}  // namespace procession::benchmarks
