#include <procession/process_pool.hpp>
#include <string>
#include <string_view>

void use(procession::ProcessPool& pool, const std::vector<std::string>& items) {
#ifdef PROCESSION_CORRECT
  static_cast<void>(pool.map(items, [](const std::string& item) { return item.substr(1); }));
#else
  static_cast<void>(
      pool.map(items, [](const std::string& item) { return std::string_view(item).substr(1); }));
#endif
}
