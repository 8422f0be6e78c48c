#include <procession/procession.hpp>

#include <iostream>
#include <numeric>
#include <vector>

int main(int argc, char** argv) {
  return procession::Application::run(argc, argv, [] {
    std::vector<int> numbers(1000);
    std::iota(numbers.begin(), numbers.end(), 1);
    auto squares = procession::Process::map(numbers, [](int n) { return n * n; });
    long sum = procession::Process::reduce(
        squares, [](long a, long b) { return a + b; }, 0L);
    std::cout << sum << '\n';
    return sum == 333833500 ? 0 : 1;
  });
}
