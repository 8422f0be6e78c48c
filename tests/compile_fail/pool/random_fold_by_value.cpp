#include <procession/process_pool.hpp>

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
#ifdef PROCESSION_CORRECT
  const auto add = [](double sum, int n, procession::Random& random) {
    return sum + n * random.uniform();
  };
#else
  const auto add = [](double sum, int n, procession::Random random) {
    return sum + n * random.uniform();
  };
#endif
  static_cast<void>(pool.aggregate(items, 0.0, add, std::plus<>()));
}
