// A hundred different tasks, each in a process of its own, four at a time.

#include <algorithm>
#include <iostream>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

namespace {

// How many steps n takes to reach 1, halving even numbers and tripling odd ones plus one.
int collatzSteps(long n) {
  int steps = 0;
  for (; n != 1; ++steps) {
    n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  }
  return steps;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    // [readme:process manager]
    ProcessManager manager;
    for (long n = 1; n <= 100; ++n) {
      manager.add(collatzSteps, n);
    }
    const std::vector<int> steps = manager.run<int>(4);  // at most 4 at once; in the order of add()
    // [readme:end]

    const auto longest = std::max_element(steps.begin(), steps.end());
    std::cout << steps.size() << " tasks\n"
              << "27 takes " << steps[26] << " steps\n"
              << "the longest way is that of " << longest - steps.begin() + 1 << ", " << *longest
              << " steps\n"
              << manager.getRunningCount() << " processes left\n";
  });
}
