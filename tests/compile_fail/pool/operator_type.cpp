#include <procession/process_pool.hpp>
#include <string>

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
#ifdef PROCESSION_CORRECT
  static_cast<void>(pool.reduce(
      items, [](int a, int b) { return a + b; }, 0));
#else
  static_cast<void>(pool.reduce(
      items, [](int a, const std::string& b) { return a + static_cast<int>(b.size()); }, 0));
#endif
}
