#include <procession/process_pool.hpp>

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
#ifdef PROCESSION_CORRECT
  pool.each(items, [](int) {});
#else
  static_cast<void>(pool.map(items, [](int) {}));
#endif
}
