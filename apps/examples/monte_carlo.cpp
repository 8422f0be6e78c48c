// A Monte Carlo estimate whose digits do not depend on the number of workers: how far apart are two
// random points in a square, on average?

#include <cmath>
#include <functional>
#include <iomanip>
#include <iostream>
#include <ranges>

#include <procession/procession.hpp>

using namespace procession;

namespace {

constexpr int kBatches = 1'000;
constexpr int kPairs = 1'000;  // of points, in a batch

// [readme:monte carlo]
double meanDistance(int /*batch*/, Random& random) {
  double sum = 0;
  for (int i = 0; i < kPairs; ++i) {
    const double x = random.uniform() - random.uniform();
    const double y = random.uniform() - random.uniform();
    sum += std::sqrt(x * x + y * y);
  }
  return sum / kPairs;
}
// [readme:end]

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    std::cout << std::setprecision(17);
    for (const int workers : {1, 2, 3}) {
      // [readme:seeded pool]
      ProcessPool pool({.workerCount = workers, .seed = 2024});
      const double sum =
          pool.mapReduce(std::views::iota(0, kBatches), meanDistance, std::plus<>(), 0.0);
      // [readme:end]
      std::cout << "by " << workers << ": " << sum / kBatches << "\n";
    }
    const double exact = (2 + std::sqrt(2.0) + 5 * std::log(1 + std::sqrt(2.0))) / 15;
    std::cout << "exact: " << std::setprecision(6) << exact << "\n";
  });
}
