// What can go wrong in a worker, and what the program sees of it.

#include <cmath>
#include <csignal>
#include <cstddef>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

double root(double x) {
  if (x < 0) {
    throw std::domain_error("no real root");
  }
  return std::sqrt(x);
}

// The same with a safe value: a bad item costs one empty result and nothing else.
std::optional<double> safeRoot(double x) {
  try {
    return root(x);
  } catch (const std::domain_error&) {
    return std::nullopt;
  }
}

double crash(double x) {
  if (x < 0) {
    std::raise(SIGSEGV);
  }
  return x;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    const std::vector<double> values{9, 16, -1, 25};
    ProcessPool pool(2);

    for (const auto& result : pool.map(values, safeRoot)) {
      std::cout << (result ? std::to_string(*result) : "(none)") << "\n";
    }

    // [readme:errors]
    try {
      (void)pool.map(values, root);
    } catch (const TaskError& error) {  // the callback threw
      std::cout << "item " << *error.getItem() << ": " << error.getType() << ": "
                << error.getMessage() << "\n";
    }
    try {
      (void)pool.map(values, crash);
    } catch (const WorkerLost& lost) {  // its process died; the pool has a new one already
      std::cout << "item " << *lost.getItem() << ": " << lost.getStatus().describe() << "\n";
    }
    // [readme:end]

    // [readme:settled]
    const std::vector<Outcome<double>> outcomes = pool.mapSettled(values, root);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (outcomes[i]) {
        std::cout << values[i] << ": " << *outcomes[i] << "\n";
      } else {  // error() tells what happened, and value() throws it
        std::cout << values[i] << ": no value, attempts: " << outcomes[i].getAttempts() << "\n";
      }
    }
    // [readme:end]

    const auto good = pool.filter(values, [](double x) { return x >= 0; });
    std::cout << "the pool goes on: " << pool.map(good, root).size() << " roots\n";
  });
}
