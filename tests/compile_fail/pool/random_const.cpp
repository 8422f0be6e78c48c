#include <procession/process_pool.hpp>

#ifdef PROCESSION_CORRECT
bool isDrawn(int limit, int n, procession::Random& random);
#else
bool isDrawn(int limit, int n, const procession::Random& random);
#endif

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
  static_cast<void>(pool.filter(items, procession::bindFront(isDrawn, 3)));
}
