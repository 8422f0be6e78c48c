#include <procession/process_pool.hpp>

void use(procession::ProcessPool& pool, int& value) {
#ifdef PROCESSION_CORRECT
  static_cast<void>(pool.submit([copy = value] { return copy; }));
#else
  static_cast<void>(pool.submit(procession::localOnly([&value] { return value; })));
#endif
}
