#pragma once

#include <algorithm>
#include <chrono>

#include "backend/backend.hpp"

namespace procession::detail {

/// Whether a rank that waits looks for messages all the time, or sleeps and looks now and then.
///
/// MPI has nothing to sleep on, and a rank that looks takes time from the workers beside it. So it
/// looks for a millisecond after an event when events come close together, as in small operations
/// one after the other; where they are as far apart as the ends of long chunks, the next one is not
/// near. While all its workers are at work, each with a chunk that takes longer than a message, it
/// leaves the cores to them.
class Attention {
 public:
  /// Something happened, or is sure to soon.
  void renew() {
    const Time now = steadyNow();
    window_ = now - lastEvent_ < kNear ? kAttentive : kGlance;
    lastEvent_ = now;
  }
  /// `areWorkersBusy`: all of them, and nothing is in the midst of being sent or received.
  [[nodiscard]] bool isHigh(bool areWorkersBusy) const {
    return steadyNow() - lastEvent_ < (areWorkersBusy ? std::min(window_, kBrief) : window_);
  }
  /// Until when to sleep now.
  [[nodiscard]] Time napEnd(bool areWorkersBusy) const {
    return isHigh(areWorkersBusy) ? Time(0) : steadyNow() + kNap;
  }

  static constexpr Time kNap = std::chrono::milliseconds(1);

 private:
  static constexpr Time kNear = std::chrono::milliseconds(4);
  static constexpr Time kAttentive = std::chrono::milliseconds(1);
  static constexpr Time kBrief = std::chrono::microseconds(100);
  static constexpr Time kGlance = std::chrono::microseconds(50);

  Time lastEvent_{0};
  Time window_ = kGlance;
};

}  // namespace procession::detail
