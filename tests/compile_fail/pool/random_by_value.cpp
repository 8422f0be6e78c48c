#include <procession/process_pool.hpp>

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
#ifdef PROCESSION_CORRECT
  const auto shake = [](int n, procession::Random& random) { return n + random.uniform(); };
#else
  const auto shake = [](int n, procession::Random random) { return n + random.uniform(); };
#endif
  static_cast<void>(pool.map(items, shake));
}
