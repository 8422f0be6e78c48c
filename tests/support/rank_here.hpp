#pragma once

#include <cstdlib>
#include <initializer_list>

namespace procession::test {

/// The rank that this process, or the one that it was forked from, was started as; 0 without a
/// launcher. Callbacks ask for it: the environment of a worker is its rank's.
inline int rankHere() {
  for (const char* variable : {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"}) {
    if (const char* rank = std::getenv(variable)) {
      return std::atoi(rank);
    }
  }
  return 0;
}

}  // namespace procession::test
