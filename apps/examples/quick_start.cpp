// [readme:quick start]
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <procession/procession.hpp>

using namespace procession;

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    const std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7, 8};

    auto squares = Process::map(numbers, [](int n) { return n * n; });
    auto even = Process::filter(numbers, [](int n) { return n % 2 == 0; });
    int sum = Process::reduce(numbers, std::plus<>(), 0);
    auto [answer, greeting] =
        Process::run([] { return 6 * 7; }, [] { return std::string("hello"); });

    std::cout << "last square " << squares.back() << ", last even number " << even.back()
              << ", sum " << sum << ", answer " << answer << ", " << greeting << "\n";
  });
}
// [readme:end]
