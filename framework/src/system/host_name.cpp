#include "system/host_name.hpp"

#include <sys/utsname.h>

namespace procession::detail {

const std::string& hostName() {
  static const std::string name = [] {
    utsname names{};
    return std::string(::uname(&names) == 0 ? names.nodename : "localhost");
  }();
  return name;
}

}  // namespace procession::detail
