#include <procession/process_pool.hpp>
#include <string>

void use(procession::ProcessPool& pool, const std::vector<std::string>& items) {
#ifdef PROCESSION_CORRECT
  static_cast<void>(pool.map(items, [](const std::string& item) { return item.size(); }));
#else
  static_cast<void>(pool.map(items, [](int n) { return n; }));
#endif
}
