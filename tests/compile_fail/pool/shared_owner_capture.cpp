#include <procession/node_shared.hpp>
#include <procession/process_pool.hpp>
#include <vector>

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
  auto factor = procession::nodeShared(2);
#ifdef PROCESSION_CORRECT
  pool.each(items, [factor = factor.view()](int n) { return *factor * n; });
#else
  pool.each(items, [&factor](int n) { return *factor * n; });
#endif
}
