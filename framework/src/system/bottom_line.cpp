#include "system/bottom_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace procession::detail {

namespace {

// ECMA-48 and DEC VT100 control sequences; xterm's list of them:
// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
constexpr std::string_view kSaveCursor =
    "\x1b"
    "7";
constexpr std::string_view kRestoreCursor =
    "\x1b"
    "8";
constexpr std::string_view kDownOrScroll =
    "\x1b"
    "D";  // keeps the column, unlike a newline
constexpr std::string_view kUp = "\x1b[A";
constexpr std::string_view kScrollAll = "\x1b[r";
constexpr std::string_view kEraseBelow = "\x1b[J";
constexpr std::string_view kEraseToEndOfLine = "\x1b[K";

std::string scrollRows(int last) { return "\x1b[1;" + std::to_string(last) + "r"; }
std::string moveToRow(int row) { return "\x1b[" + std::to_string(row) + ";1H"; }

/// Setting what scrolls moves the cursor.
std::string keepingCursor(std::string_view what) {
  return std::string(kSaveCursor).append(what).append(kRestoreCursor);
}

/// Below the cursor there is nothing but the line, and its row gets free.
std::string release() { return keepingCursor(kScrollAll).append(kEraseBelow); }

/// The cursor may be on the last row: then all rows move up by one.
std::string reserve(int rows) {
  return std::string(kDownOrScroll).append(kUp).append(keepingCursor(scrollRows(rows - 1)));
}

void writeTo(int descriptor, const std::string& text) {
  const int before = errno;
  // Nowhere to report a failure.
  [[maybe_unused]] const ssize_t written = ::write(descriptor, text.data(), text.size());
  errno = before;
}

bool isInBackground(int descriptor) {
  const pid_t foreground = tcgetpgrp(descriptor);
  return foreground > 0 && foreground != getpgrp();
}

}  // namespace

bool BottomLine::isPossible() const {
  const char* terminal = std::getenv("TERM");
  return isatty(descriptor_) == 1 && terminal != nullptr && *terminal != '\0' &&
         std::string_view(terminal) != "dumb";
}

std::optional<std::size_t> BottomLine::width() {
  constexpr int kFewestRows = 3;
  constexpr int kFewestColumns = 10;
  winsize size{};
  if (isInBackground(descriptor_) || ioctl(descriptor_, TIOCGWINSZ, &size) != 0 ||
      size.ws_row < kFewestRows || size.ws_col < kFewestColumns) {
    return std::nullopt;
  }
  rows_ = size.ws_row;
  return static_cast<std::size_t>(size.ws_col - 1);  // in the last column terminals differ
}

void BottomLine::show(std::string_view text) {
  std::string sequence;
  if (reservedRows_ != rows_) {
    sequence += reservedRows_ != 0 ? release() : "";  // the terminal has another size now
    sequence += reserve(rows_);
    reservedRows_ = rows_;
  }
  sequence += keepingCursor(moveToRow(rows_).append(text).append(kEraseToEndOfLine));
  writeTo(descriptor_, sequence);
}

void BottomLine::remove() {
  if (reservedRows_ != 0) {
    reservedRows_ = 0;
    writeTo(descriptor_, release());
  }
}

}  // namespace procession::detail
