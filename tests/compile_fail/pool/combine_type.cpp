#include <procession/process_pool.hpp>
#include <string>

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
  const auto addLine = [](std::string text, int n) { return text + std::to_string(n); };
#ifdef PROCESSION_CORRECT
  const auto combine = [](std::string left, const std::string& right) { return left + right; };
#else
  const auto combine = [](int left, int right) { return left + right; };
#endif
  static_cast<void>(pool.aggregate(items, std::string(), addLine, combine));
}
