#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace procession::detail {

/// A line of our own at the bottom of a terminal, under everything that this program and others
/// write there.
///
/// The rest of the screen becomes the part that scrolls, so that nobody has to know of the line:
/// what the program and its workers print, whenever and in whatever pieces, goes where it would
/// have gone, and neither overwrites the line nor is overwritten by it. Each change is one
/// write(2), which leaves the cursor where it was.
///
/// A process that is killed meanwhile leaves the terminal with its last row set aside, as apt(8)
/// does; reset(1) gives it back.
class BottomLine {
 public:
  explicit BottomLine(int descriptor) : descriptor_(descriptor) {}
  ~BottomLine() { remove(); }
  BottomLine(const BottomLine&) = delete;
  BottomLine& operator=(const BottomLine&) = delete;

  /// It is a terminal, and one that moves its cursor when told to (TERM).
  [[nodiscard]] bool isPossible() const;
  /// The columns for its text at the moment; empty when this process is in the background, or the
  /// terminal is too small.
  [[nodiscard]] std::optional<std::size_t> width();
  /// Shows the text, of width() columns at most, in place of the one before.
  void show(std::string_view text);
  /// The terminal is again as it was. Does nothing when nothing is shown.
  void remove();
  [[nodiscard]] bool isShown() const { return reservedRows_ != 0; }

 private:
  int descriptor_;
  int rows_ = 0;          // of the terminal, when width() asked
  int reservedRows_ = 0;  // of the terminal when its last row was set aside; 0: it is not
};

}  // namespace procession::detail
