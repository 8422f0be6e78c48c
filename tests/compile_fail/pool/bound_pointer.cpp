#include <procession/process_pool.hpp>
#include <string>

std::size_t addLength(const std::string& prefix, int n) {
  return prefix.size() + static_cast<std::size_t>(n);
}
std::size_t addLengthAt(const std::string* prefix, int n) { return addLength(*prefix, n); }

void use(procession::ProcessPool& pool, const std::vector<int>& items, const std::string& prefix) {
#ifdef PROCESSION_CORRECT
  static_cast<void>(pool.map(items, procession::bindFront(addLength, prefix)));
#else
  static_cast<void>(pool.map(items, procession::bindFront(addLengthAt, &prefix)));
#endif
}
