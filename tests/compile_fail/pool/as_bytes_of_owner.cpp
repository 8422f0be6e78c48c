#include <procession/portable.hpp>
#include <string>

#ifdef PROCESSION_CORRECT
using Captured = int;
#else
using Captured = std::string;
#endif

auto use(const Captured& captured) {
  return procession::asBytes([captured] { return captured; });
}
