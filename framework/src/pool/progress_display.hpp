#pragma once

#include <cstdint>
#include <optional>

#include "pool/progress_text.hpp"
#include "procession/pool_options.hpp"
#include "system/bottom_line.hpp"

namespace procession::detail {

/// What PROCESSION_PROGRESS asks for, where the program leaves it open; On and Off are the
/// program's word. Throws std::invalid_argument for a bad value.
Progress chooseProgress(Progress asked);

/// Tells on stderr how far an operation is: on a terminal by a bar at its bottom, elsewhere by a
/// line a minute. It has no clock: the owner asks when it wants to look, and tells the time.
///
/// Auto: the bar comes when the program has waited for a second, and goes with the operation; a log
/// gets nothing of operations shorter than a minute. On: the bar comes at once, and a line tells
/// the end, in logs as well.
///
/// Of several operations at the same time, as of pools in several threads, one has the bar.
class ProgressDisplay {
 public:
  struct Counts {
    std::uint64_t finished = 0;  // done or failed
    std::uint64_t failed = 0;
  };

  /// `progress`: Auto or On.
  ProgressDisplay(const char* name, std::uint64_t items, Progress progress, Time now);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  [[nodiscard]] Time nextLook() const { return nextLook_; }
  /// To be called when nextLook() has come.
  void look(const Counts& counts, Time now);
  /// The program goes on by itself, until resume(): no bar meanwhile.
  void pause();
  void resume(Time now);
  [[nodiscard]] bool isPaused() const { return isPaused_; }
  /// The operation is over.
  void end(const Counts& counts, Time now);

 private:
  enum class Style { Bar, Lines };

  [[nodiscard]] ProgressState stateAt(const Counts& counts, Time now);
  void draw(const Counts& counts, Time now);
  void hide();
  [[nodiscard]] bool takeTerminal();

  const char* name_;
  std::uint64_t items_;
  Progress progress_;
  Time begin_;
  Time nextLook_;
  Time quietUntil_;             // no bar before
  std::optional<Style> style_;  // not asked for before the first look: most operations are short
  bool isPaused_ = false;
  bool hasTold_ = false;
  ProgressRate rate_;
  BottomLine bar_;
};

}  // namespace procession::detail
