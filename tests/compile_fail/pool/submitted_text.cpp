#include <procession/process_pool.hpp>
#include <string>

void use(procession::ProcessPool& pool) {
  const auto size = [](const std::string& text) { return text.size(); };
#ifdef PROCESSION_CORRECT
  static_cast<void>(pool.submit(size, std::string("text")));
#else
  static_cast<void>(pool.submit(size, "text"));
#endif
}
