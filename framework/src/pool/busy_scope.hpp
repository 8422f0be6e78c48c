#pragma once

#include <atomic>
#include <stdexcept>

namespace procession::detail {

/// Keeps a second operation out of a pool while one runs.
class BusyScope {
 public:
  explicit BusyScope(std::atomic<bool>& busy) : busy_(busy) {
    if (busy_.exchange(true)) {
      throw std::logic_error(
          "this ProcessPool runs an operation already: a pool takes one at a time; use a pool a "
          "thread");
    }
  }
  ~BusyScope() { busy_ = false; }
  BusyScope(const BusyScope&) = delete;
  BusyScope& operator=(const BusyScope&) = delete;

 private:
  std::atomic<bool>& busy_;
};

}  // namespace procession::detail
