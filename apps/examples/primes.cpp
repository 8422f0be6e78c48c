// The primes below 200,000. The numbers are not sent to the workers: they are computed there.

#include <iostream>
#include <ranges>

#include <procession/procession.hpp>

using namespace procession;

namespace {

bool isPrime(int n) {
  for (int divisor = 2; divisor * divisor <= n; ++divisor) {
    if (n % divisor == 0) {
      return false;
    }
  }
  return n > 1;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    // [readme:primes]
    const auto primes = Process::filter(std::views::iota(1, 200'000), isPrime);
    // [readme:end]
    std::cout << primes.size() << " primes, the largest is " << primes.back() << "\n";
  });
}
