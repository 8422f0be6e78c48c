#include <procession/process_pool.hpp>
#include <string>

struct Opaque {
  std::string text;
#ifdef PROCESSION_CORRECT
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& text;
  }
#endif
};

void use(procession::ProcessPool& pool, const std::vector<int>& items) {
  static_cast<void>(pool.map(items, [](int n) { return Opaque{std::to_string(n)}; }));
}
