#include <procession/error.hpp>
#include <procession/process_pool.hpp>

#include <iostream>
#include <stdexcept>
#include <vector>

// Without Application::run: the pool forks from the program itself.
int main() {
  procession::ProcessPool pool(2);
  try {
    (void)pool.map(std::vector{1, 2, 3}, [](int n) {
      if (n == 2) {
        throw std::out_of_range("two");
      }
      return n;
    });
  } catch (const procession::TaskError& error) {
    std::cout << error.what() << '\n';
    return error.getItem() == 1 && error.getType() == "std::out_of_range" ? 0 : 1;
  }
  return 1;
}
