// Calls that are handed over as they turn up, and results that are taken when they are there.

#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

/// The integral of 4 / (1 + x^2) from `first` to `last`, by the midpoints of `steps` intervals.
double integrate(double first, double last, int steps) {
  const double width = (last - first) / steps;
  double sum = 0;
  for (int i = 0; i < steps; ++i) {
    const double x = first + (i + 0.5) * width;
    sum += 4 / (1 + x * x) * width;
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    ProcessPool pool(3);

    // [readme:futures]
    Future<double> left = pool.submit(integrate, 0.0, 0.5, 1'000'000);
    Future<double> right = pool.submit(integrate, 0.5, 1.0, 1'000'000);
    const double area = left.get() + right.get();  // pi
    // [readme:end]
    std::cout << "area " << area << "\n";

    // [readme:completed]
    std::vector<Future<int>> answers;
    answers.reserve(6);
    for (int question = 0; question < 6; ++question) {
      answers.push_back(pool.submit(
          [](int n) { return n == 4 ? throw std::domain_error("not that one") : 7 * n; },
          question));
    }
    int sum = 0;
    for (const Future<int>& answer : asCompleted(answers)) {  // the one that is ready first, first
      try {
        sum += answer.get();
      } catch (const TaskError& error) {  // of this call alone
        std::cout << "no answer: " << error.getMessage() << "\n";
      }
    }
    // [readme:end]
    std::cout << "sum " << sum << "\n";
  });
}
