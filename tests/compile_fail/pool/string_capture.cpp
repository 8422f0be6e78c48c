#include <procession/process_pool.hpp>
#include <string>

void use(procession::ProcessPool& pool, const std::vector<std::string>& items,
         const std::string& prefix) {
  const auto join = [](const std::string& first, const std::string& second) {
    return first + second;
  };
#ifdef PROCESSION_CORRECT
  static_cast<void>(pool.map(items, procession::bindFront(join, prefix)));
#else
  static_cast<void>(
      pool.map(items, [prefix, join](const std::string& item) { return join(prefix, item); }));
#endif
}
