#pragma once

#include <cstddef>

namespace procession::test {

/// Watches operator new: the largest single request since its construction. For one thread.
class LargestRequest {
 public:
  LargestRequest();
  [[nodiscard]] std::size_t bytes() const;
};

}  // namespace procession::test
