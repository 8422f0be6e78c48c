#include "system/log.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <exception>

#include "system/environment.hpp"

namespace procession::detail {

LogLevel readLogLevel() {
  const auto choice = readChoice("PROCESSION_LOG", {"error", "warn", "info", "debug"});
  return choice ? static_cast<LogLevel>(*choice) : LogLevel::Warn;
}

bool isLogged(LogLevel level) noexcept {
  static const LogLevel limit = []() noexcept {
    try {
      return readLogLevel();
    } catch (const std::exception&) {
      return LogLevel::Warn;
    }
  }();
  return level <= limit;
}

void log(LogLevel level, std::string_view text) noexcept {
  if (isLogged(level)) {
    tell(text);
  }
}

void tell(std::string_view text) noexcept {
  const int before = errno;
  // writev takes what it only reads as non-const.
  const auto part = [](std::string_view bytes) {
    return iovec{const_cast<char*>(bytes.data()), bytes.size()};
  };
  const iovec line[] = {part("procession: "), part(text), part("\n")};
  [[maybe_unused]] const ssize_t written =
      ::writev(STDERR_FILENO, line, 3);  // nowhere to report a failure
  errno = before;
}

}  // namespace procession::detail
