// Results as they come: the search ends with the first that will do, and nobody holds all of them.

#include <cstdint>
#include <iostream>
#include <ranges>

#include <procession/procession.hpp>

using namespace procession;

namespace {

/// The length of the Collatz sequence from `start` down to 1.
int collatzSteps(int start) {
  int steps = 0;
  for (auto n = static_cast<std::uint64_t>(start); n != 1; n = n % 2 == 0 ? n / 2 : 3 * n + 1) {
    ++steps;
  }
  return steps;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    ProcessPool pool;

    // [readme:unordered]
    const auto starts = std::views::iota(1, 100'000);
    for (const auto& [index, steps] : pool.mapUnordered(starts, collatzSteps)) {
      if (steps == 350) {
        std::cout << 1 + index << " takes 350 steps\n";
        break;  // what is not done yet is cancelled
      }
    }
    // [readme:end]
  });
}
