// A table that all workers read, and that exists once: the smallest prime factor of each number, by
// which every number is factorised with a few look-ups.

#include <cstdint>
#include <iostream>
#include <ranges>
#include <span>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

constexpr std::uint32_t kLimit = 2'000'000;

/// Fills in the table, [n] for the number n; 0 and 1 have no factor.
void sieve(std::span<std::uint32_t> smallest) {
  for (std::size_t n = 2; n < smallest.size(); ++n) {
    if (smallest[n] != 0) {
      continue;  // not a prime
    }
    for (std::size_t multiple = n; multiple < smallest.size(); multiple += n) {
      if (smallest[multiple] == 0) {
        smallest[multiple] = static_cast<std::uint32_t>(n);
      }
    }
  }
}

int countFactors(std::span<const std::uint32_t> smallest, std::uint32_t n) {
  int count = 0;
  for (; n > 1; n /= smallest[n]) {
    ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    // [readme:shared_table]
    const auto table = nodeShared<std::uint32_t>(kLimit, sieve);  // or nodeShared(a vector)

    const auto counts =
        Process::map(std::views::iota(1u, kLimit),
                     [table = table.view()](std::uint32_t n) { return countFactors(*table, n); });
    // [readme:end]
    long sum = 0;
    std::size_t most = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      sum += counts[i];
      most = counts[i] > counts[most] ? i : most;
    }
    std::cout << sum << " prime factors in all; " << most + 1 << " has the most, " << counts[most]
              << "\n";
  });
}
