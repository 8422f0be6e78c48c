#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "scheduler/scheduler.hpp"

namespace procession::detail {

/// How far an operation is, at some moment.
struct ProgressState {
  std::string_view name;       // what the program called
  std::uint64_t items = 0;     // in all; at least one
  std::uint64_t finished = 0;  // done or failed
  std::uint64_t failed = 0;
  Time elapsed{0};
  double rate = 0;  // items a second, lately; 0: not known
};

// The words for it, in ASCII; pure functions.

/// For the bottom of a terminal: never more than `width` columns, of which the bar takes what is
/// left. What finds no room is left out, the least important first.
///
///     map [=======>            ]  38 %  3,800 of 10,000  340/s  18 s left  2 failed
std::string progressBar(const ProgressState& state, std::size_t width);
/// For a log, while it runs: "map: 3,800 of 10,000 items (38 %) in 11 s, 340/s, 18 s left".
std::string progressLine(const ProgressState& state);
/// For its end: "map: 10,000 items in 29 s, 344/s, 2 failed".
std::string progressSummary(const ProgressState& state);

/// "1,234,567".
std::string groupedNumber(std::uint64_t number);
/// Three digits or so: "340/s", "1.2M/s"; of slow ones "12/min", "3.5/h".
std::string rateText(double perSecond);
/// Two units: "45 s", "2 min 05 s", "3 h 07 min", "2 d 03 h".
std::string durationText(Time duration);

/// Items a second, lately: an average in which what happened counts the less the longer ago it was.
/// It reaches back over about a quarter of the operation, 10 s at least: so it does not jump when
/// a large chunk comes in, and follows when items get dearer.
class ProgressRate {
 public:
  /// `finished` items at `elapsed` since the start. Times do not go back.
  void note(std::uint64_t finished, Time elapsed);
  /// 0 before anything is known.
  [[nodiscard]] double perSecond() const { return weight_ > 0 ? sum_ / weight_ : 0; }

 private:
  std::uint64_t finished_ = 0;
  Time elapsed_{0};
  double sum_ = 0;     // of the rates of all intervals, each with its weight
  double weight_ = 0;  // of all intervals
};

}  // namespace procession::detail
