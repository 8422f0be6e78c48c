// A sum of a million rounded numbers: the same to the last bit, however many workers add.

#include <cmath>
#include <functional>
#include <iomanip>
#include <iostream>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    std::vector<double> terms(1'000'000);
    for (std::size_t i = 0; i < terms.size(); ++i) {
      terms[i] = (i % 2 == 0 ? 4.0 : -4.0) / static_cast<double>(2 * i + 1);
    }
    // [readme:sum]
    const double alone = Process::reduce(terms, std::plus<>(), 0.0, {.workerCount = 1});
    const double shared = Process::reduce(terms, std::plus<>(), 0.0, {.workerCount = 3});
    // [readme:end]
    std::cout << "about " << std::setprecision(6) << shared << "\n"
              << (alone == shared ? "one worker and three agree to the last bit\n"
                                  : "one worker and three differ\n");
  });
}
