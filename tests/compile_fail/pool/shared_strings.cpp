#include <procession/node_shared.hpp>
#include <string>
#include <vector>

#ifdef PROCESSION_CORRECT
using Element = char;
#else
using Element = std::string;
#endif

auto use(const std::vector<Element>& names) { return procession::nodeShared(names); }
