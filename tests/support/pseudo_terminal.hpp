#pragma once

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "system/file_descriptor.hpp"

namespace procession::test {

/// What a terminal shows of what is written to it: as much of a VT100 as BottomLine needs, and
/// nothing else. Throws for a control sequence that it does not know.
class Screen {
 public:
  Screen(int rows, int columns)
      : rows_(rows),
        columns_(columns),
        bottom_(rows),
        lines_(static_cast<std::size_t>(rows),
               std::string(static_cast<std::size_t>(columns), ' ')) {}

  void write(std::string_view text) {
    pending_ += text;
    while (!pending_.empty()) {
      const std::size_t taken = take(pending_);
      if (taken == 0) {
        return;  // the rest of a sequence is still to come
      }
      pending_.erase(0, taken);
    }
  }

  /// Lines that have left the screen at its top, and those on it, without spaces at their ends;
  /// none for empty ones at the end.
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> all = gone_;
    all.insert(all.end(), lines_.begin(), lines_.end());
    for (std::string& line : all) {
      line.erase(line.find_last_not_of(' ') + 1);
    }
    while (!all.empty() && all.back().empty()) {
      all.pop_back();
    }
    return all;
  }
  [[nodiscard]] std::string bottomLine() const {
    std::string line = lines_.back();
    return line.erase(line.find_last_not_of(' ') + 1);
  }
  [[nodiscard]] bool isWhole() const { return bottom_ == rows_; }
  [[nodiscard]] int row() const { return row_; }
  [[nodiscard]] int column() const { return column_; }
  /// As xterm does: what scrolls is the whole screen again.
  void resize(int rows, int columns) {
    rows_ = bottom_ = rows;
    columns_ = columns;
    lines_.resize(static_cast<std::size_t>(rows));
    for (std::string& line : lines_) {
      line.resize(static_cast<std::size_t>(columns), ' ');
    }
    row_ = std::min(row_, rows);
  }

 private:
  /// How many bytes it took; 0: too few are there.
  std::size_t take(std::string_view text) {
    const char first = text[0];
    if (first == '\r') {
      column_ = 1;
    } else if (first == '\n') {
      down();
    } else if (first != '\x1b') {
      put(first);
    } else if (text.size() < 2) {
      return 0;
    } else if (text[1] == '[') {
      const std::size_t end = text.find_first_not_of("0123456789;", 2);
      if (end == std::string_view::npos) {
        return 0;
      }
      control(text[end], std::string(text.substr(2, end - 2)));
      return end + 1;
    } else {
      escape(text[1]);
      return 2;
    }
    return 1;
  }

  void escape(char what) {
    if (what == '7') {
      savedRow_ = row_;
      savedColumn_ = column_;
    } else if (what == '8') {
      row_ = savedRow_;
      column_ = savedColumn_;
    } else if (what == 'D') {
      down();
    } else {
      throw std::runtime_error(std::string("unknown: ESC ") + what);
    }
  }

  void control(char what, const std::string& numbers) {
    if (what == 'A') {
      row_ = std::max(1, row_ - 1);
    } else if (what == 'H') {
      row_ = std::clamp(std::stoi(numbers), 1, rows_);
      column_ = 1;
    } else if (what == 'r') {
      bottom_ = numbers.empty() ? rows_ : std::stoi(numbers.substr(numbers.find(';') + 1));
      row_ = column_ = 1;
    } else if (what == 'K' || what == 'J') {
      line(row_).replace(static_cast<std::size_t>(column_ - 1), std::string::npos,
                         static_cast<std::size_t>(columns_ - column_ + 1), ' ');
      for (int below = row_ + 1; what == 'J' && below <= rows_; ++below) {
        line(below).assign(static_cast<std::size_t>(columns_), ' ');
      }
    } else {
      throw std::runtime_error(std::string("unknown: CSI ") + numbers + what);
    }
  }

  void put(char letter) {
    if (column_ > columns_) {
      column_ = 1;
      down();
    }
    line(row_)[static_cast<std::size_t>(column_ - 1)] = letter;
    ++column_;
  }
  void down() {
    if (row_ != bottom_) {
      row_ = std::min(rows_, row_ + 1);
      return;
    }
    gone_.push_back(lines_.front());
    lines_.erase(lines_.begin());
    lines_.insert(lines_.begin() + bottom_ - 1,
                  std::string(static_cast<std::size_t>(columns_), ' '));
  }
  std::string& line(int row) { return lines_[static_cast<std::size_t>(row - 1)]; }

  int rows_;
  int columns_;
  int bottom_;  // the last row that scrolls
  int row_ = 1;
  int column_ = 1;
  int savedRow_ = 1;
  int savedColumn_ = 1;
  std::vector<std::string> lines_;
  std::vector<std::string> gone_;
  std::string pending_;
};

/// A real terminal as the kernel has it, and the screen at its other end.
class PseudoTerminal {
 public:
  PseudoTerminal(int rows, int columns) : screen_(rows, columns) {
    const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0,
                       0};
    int ends[2];
    if (openpty(&ends[0], &ends[1], nullptr, nullptr, &size) != 0) {
      throw std::runtime_error("no pseudo-terminal");
    }
    screenEnd_.reset(ends[0]);
    programEnd_.reset(ends[1]);
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  }

  /// Where programs write.
  [[nodiscard]] int descriptor() const { return programEnd_.get(); }
  void print(std::string_view text) const {
    detail::writeAll(descriptor(), text.data(), text.size());
  }
  void resize(int rows, int columns) {
    look();
    screen_.resize(rows, columns);
    const winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0,
                       0};
    ioctl(screenEnd_.get(), TIOCSWINSZ, &size);
  }

  /// With all that was written to it until now.
  const Screen& look() {
    while (receive(0)) {
    }
    return screen_;
  }
  /// Waits until the screen is as the predicate wants it; false when that takes longer than 20 s.
  template <class Predicate>
  bool await(Predicate isAsWanted) {
    while (!isAsWanted(look())) {
      if (!receive(20'000)) {
        return false;
      }
    }
    return true;
  }

 private:
  bool receive(int milliseconds) {
    pollfd polled{screenEnd_.get(), POLLIN, 0};
    if (poll(&polled, 1, milliseconds) <= 0) {
      return false;
    }
    char buffer[4096];
    const ssize_t got = read(screenEnd_.get(), buffer, sizeof buffer);
    if (got <= 0) {
      return false;
    }
    screen_.write({buffer, static_cast<std::size_t>(got)});
    return true;
  }

  detail::FileDescriptor screenEnd_;
  detail::FileDescriptor programEnd_;
  Screen screen_;
};

/// While it lives, stderr (and, if asked for, stdout) goes somewhere else.
class Redirected {
 public:
  explicit Redirected(int target, bool withOutput = false)
      : error_(detail::duplicate(STDERR_FILENO)) {
    dup2(target, STDERR_FILENO);
    if (withOutput) {
      std::fflush(stdout);
      output_ = detail::duplicate(STDOUT_FILENO);
      dup2(target, STDOUT_FILENO);
    }
  }
  ~Redirected() {
    dup2(error_.get(), STDERR_FILENO);
    if (output_.isOpen()) {
      std::fflush(stdout);
      dup2(output_.get(), STDOUT_FILENO);
    }
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

 private:
  detail::FileDescriptor error_;
  detail::FileDescriptor output_;
};

}  // namespace procession::test
