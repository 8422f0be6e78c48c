#include <procession/process_pool.hpp>

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
#ifdef PROCESSION_CORRECT
  const int offset = 1;
  static_cast<void>(pool.map(items, [offset](int n) { return n + offset; }));
#else
  int offset = 1;
  static_cast<void>(pool.map(items, [&offset](int n) { return n + offset; }));
#endif
}
