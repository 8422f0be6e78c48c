#include <procession/process_pool.hpp>

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
#ifdef PROCESSION_CORRECT
  static_cast<void>(pool.map(items, [](int n) { return n; }));
#else
  static_cast<void>(pool.map(items, [](const int& n) { return &n; }));
#endif
}
