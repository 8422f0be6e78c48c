#include <omp.h>

#include <cstddef>
#include <ranges>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/process_pool.hpp"

// filter of the primes, by trial division: work of uneven length, and few results.

namespace procession::benchmarks {

namespace {

bool isPrime(int number) {
  if (number < 4) {
    return number > 1;
  }
  if (number % 2 == 0) {
    return false;
  }
  for (int divisor = 3; divisor * divisor <= number; divisor += 2) {
    if (number % divisor == 0) {
      return false;
    }
  }
  return true;
}

/// By a sieve: another way than the one that is measured.
std::vector<int> sievePrimes(int last) {
  std::vector<bool> isComposite(static_cast<std::size_t>(last) + 1);
  std::vector<int> primes;
  for (int number = 2; number <= last; ++number) {
    if (isComposite[static_cast<std::size_t>(number)]) {
      continue;
    }
    primes.push_back(number);
    for (long multiple = static_cast<long>(number) * number; multiple <= last; multiple += number) {
      isComposite[static_cast<std::size_t>(multiple)] = true;
    }
  }
  return primes;
}

std::vector<int> filterWithOpenMp(int threads, int last) {
  std::vector<char> keep(static_cast<std::size_t>(last) + 1);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 512)
  for (int number = 1; number <= last; ++number) {
    keep[static_cast<std::size_t>(number)] = isPrime(number);
  }
  std::vector<int> primes;
  for (int number = 1; number <= last; ++number) {
    if (keep[static_cast<std::size_t>(number)] != 0) {
      primes.push_back(number);
    }
  }
  return primes;
}

void registerFilterTo(int last, const Lazy<ProcessPool>& pool, int workers) {
  const auto expected = lazily([last] { return sievePrimes(last); });
  const std::string row = "filter/" + std::to_string(last);
  const auto matches = [expected](const std::vector<int>& primes) { return primes == *expected; };
  addContender(
      row + "/procession",
      [=] { return pool->filter(std::views::iota(1, last + 1), [](int n) { return isPrime(n); }); },
      matches);
  addContender(
      row + "/openmp", [=] { return filterWithOpenMp(workers, last); }, matches,
      openMpTeam(workers));
}

}  // namespace

void registerFilter(const Settings& settings) {
  const int workers = settings.workers;
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  if (settings.tiny) {
    registerFilterTo(5'000, pool, workers);
    return;
  }
  registerFilterTo(200'000, pool, workers);
  registerFilterTo(5'000'000, pool, workers);
}

}  // namespace procession::benchmarks
