#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "scheduler/scheduler.hpp"
#include "system/clock_text.hpp"

namespace procession::detail {

/// When operations have to be over, and who says so.
struct Deadline {
  WallTime at;
  std::string source;  // "PROCESSION_DEADLINE"; behind "the deadline of"
};

/// Of operations whose pool was given none: PROCESSION_DEADLINE, or the end of the Slurm job, which
/// may take up to three seconds to answer. Throws std::invalid_argument for a bad variable.
std::optional<Deadline> findJobDeadline();

/// The same, asked for once in a process.
std::optional<Deadline> jobDeadline();
/// A program begins: asks anew.
void noteJobDeadline();

/// An operation's way to its deadline. Results that are in flight when time is over are lost, and
/// the program has to have time to react. So workers are told to leave 5 s before the deadline, and
/// as long before that as the longest chunk took until now, nothing is handed out any more.
/// Together that is at most a tenth of the time there was, the 5 s half of that: little of a short
/// time is given away, and one item that took very long does not end the operation early. While no
/// chunk has come back, it is all of the tenth.
class DeadlineWatch {
 public:
  /// Times of the steady clock.
  DeadlineWatch(Time begin, Time deadline) : deadline_(deadline) {
    most_ = std::max(Time(0), deadline - begin) / 10;
  }

  /// A chunk came back so long after it was handed out.
  void noteChunk(Time duration) {
    longest_ = std::max(longest_, duration);
    isKnown_ = true;
  }
  /// Nothing is handed out from then on.
  [[nodiscard]] Time lastHandOut() const {
    return deadline_ - std::min(timeToLeave() + (isKnown_ ? longest_ : most_), most_);
  }
  /// Chunks that are not back by then are given up.
  [[nodiscard]] Time stop() const { return deadline_ - timeToLeave(); }

 private:
  // Workers get SIGTERM half a second after they were asked to leave, 2 s later SIGKILL; the rest
  // is the program's.
  [[nodiscard]] Time timeToLeave() const {
    return std::min<Time>(std::chrono::seconds(5), most_ / 2);
  }

  Time deadline_;
  Time most_{0};
  Time longest_{0};
  bool isKnown_ = false;
};

}  // namespace procession::detail
