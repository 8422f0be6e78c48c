#include <procession/process_pool.hpp>

#ifdef PROCESSION_CORRECT
using Item = int;
#else
using Item = int*;
#endif

void use(procession::ProcessPool& pool, const std::vector<Item>& items) {
  static_cast<void>(pool.map(items, [](Item) { return 1; }));
}
