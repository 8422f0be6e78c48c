#include "system/clock_text.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <ctime>

namespace procession::detail {

namespace {

using std::chrono::seconds;

// Far from where time points overflow.
constexpr std::int64_t kMostSeconds = 4'000'000'000;
// As a date: 1973. Less is meant to be something else, a year perhaps.
constexpr std::int64_t kLeastSeconds = 100'000'000;

/// Reads a text from its beginning on.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool isAtEnd() const { return rest_.empty(); }
  bool take(char letter) {
    if (rest_.empty() || rest_.front() != letter) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  /// All digits there are; empty for none, or too large a number.
  std::optional<std::int64_t> number() {
    std::int64_t value = 0;
    const char* begin = rest_.data();
    if (rest_.empty() || *begin < '0' || *begin > '9') {
      return std::nullopt;
    }
    const auto [end, error] = std::from_chars(begin, begin + rest_.size(), value);
    if (error != std::errc() || value > kMostSeconds) {
      return std::nullopt;
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - begin));
    return value;
  }
  /// So many digits, as a number in [least, most].
  std::optional<int> digits(std::size_t count, int least, int most) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (i >= rest_.size() || rest_[i] < '0' || rest_[i] > '9') {
        return std::nullopt;
      }
      value = 10 * value + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value >= least && value <= most ? std::optional(value) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

std::optional<seconds> parseDuration(Scanner scanner) {
  std::int64_t sum = 0;
  do {
    const auto number = scanner.number();
    if (!number) {
      return std::nullopt;
    }
    const int unit = scanner.take('d')   ? 24 * 3600
                     : scanner.take('h') ? 3600
                     : scanner.take('m') ? 60
                     : scanner.take('s') ? 1
                                         : 0;
    if (unit == 0) {
      return std::nullopt;
    }
    sum += *number * unit;
    if (sum > kMostSeconds) {
      return std::nullopt;
    }
  } while (!scanner.isAtEnd());
  return seconds(sum);
}

/// The distance of a zone to UTC; empty for none, which is local time.
std::optional<std::optional<seconds>> parseZone(Scanner& scanner) {
  if (scanner.isAtEnd()) {
    return std::optional<seconds>();
  }
  if (scanner.take('Z')) {
    return scanner.isAtEnd() ? std::optional(std::optional(seconds(0))) : std::nullopt;
  }
  const int sign = scanner.take('+') ? 1 : scanner.take('-') ? -1 : 0;
  const auto hours = scanner.digits(2, 0, 14);
  scanner.take(':');
  const auto minutes = scanner.digits(2, 0, 59);
  if (sign == 0 || !hours || !minutes || !scanner.isAtEnd()) {
    return std::nullopt;
  }
  return std::optional(seconds(sign * (*hours * 3600 + *minutes * 60)));
}

std::optional<WallTime> parseDate(Scanner scanner) {
  const auto year = scanner.digits(4, 1970, 2096);
  const bool isDate = scanner.take('-');
  const auto month = scanner.digits(2, 1, 12);
  const bool hasDay = scanner.take('-');
  const auto day = scanner.digits(2, 1, 31);
  const bool hasTime = scanner.take('T') || scanner.take(' ');
  const auto hour = scanner.digits(2, 0, 23);
  const bool hasMinute = scanner.take(':');
  const auto minute = scanner.digits(2, 0, 59);
  const auto second = scanner.take(':') ? scanner.digits(2, 0, 60) : std::optional(0);
  const auto zone = parseZone(scanner);
  if (!year || !isDate || !month || !hasDay || !day || !hasTime || !hour || !hasMinute || !minute ||
      !second || !zone) {
    return std::nullopt;
  }
  std::tm parts{};
  parts.tm_year = *year - 1900;
  parts.tm_mon = *month - 1;
  parts.tm_mday = *day;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  parts.tm_sec = *second;
  parts.tm_isdst = -1;
  std::tm normal = parts;
  const std::time_t time = *zone ? timegm(&normal) : mktime(&normal);
  if (time == -1 || normal.tm_mday != *day) {  // there is no 30th of February
    return std::nullopt;
  }
  return WallTime(seconds(time) - zone->value_or(seconds(0)));
}

}  // namespace

std::optional<WallTime> parseMoment(std::string_view text, WallTime now) {
  Scanner scanner(text);
  if (scanner.take('+')) {
    const auto duration = parseDuration(scanner);
    return duration ? std::optional(now + *duration) : std::nullopt;
  }
  if (Scanner whole(text); const auto number = whole.number()) {
    if (whole.isAtEnd() && *number >= kLeastSeconds) {
      return WallTime(seconds(*number));
    }
  }
  return parseDate(scanner);
}

std::string momentText(WallTime moment) {
  const std::time_t time = std::chrono::system_clock::to_time_t(moment);
  std::tm parts{};
  localtime_r(&time, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

}  // namespace procession::detail
