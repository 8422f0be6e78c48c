#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "faults/tally.hpp"

namespace procession::test {

/// What workers note of each item, in a file that all processes of this machine map: how often it
/// was called; and the numbers of the run. What is noted holds whatever then becomes of the
/// process.
class Book {
 public:
  static constexpr std::uint32_t kLines = std::uint32_t{1} << 20;

  /// The book in a folder; made where there is none.
  explicit Book(const std::string& folder);
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;
  ~Book();
  /// In a callback: mapped once a process.
  static Book& in(const std::string& folder);

  /// Returns how often that was done before.
  std::uint32_t noteCall(std::uint32_t line) { return calls(line).fetch_add(1); }
  [[nodiscard]] std::uint32_t callsOf(std::uint32_t line) const { return calls(line); }
  [[nodiscard]] Tally& tally() { return pages_->tally; }

  /// Lines that were not used in the last half million.
  [[nodiscard]] std::uint32_t takeLines(std::uint32_t count);

  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  struct Pages {
    Tally tally;
    std::array<std::atomic<std::uint32_t>, kLines> calls;
  };

  [[nodiscard]] std::atomic<std::uint32_t>& calls(std::uint32_t line) const {
    return pages_->calls[line % kLines];
  }

  std::string folder_;
  Pages* pages_ = nullptr;
  std::uint32_t nextLine_ = 0;
};

}  // namespace procession::test
