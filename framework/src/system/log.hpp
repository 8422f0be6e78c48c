#pragma once

#include <string_view>

namespace procession::detail {

enum class LogLevel { Error, Warn, Info, Debug };

/// The level that PROCESSION_LOG asks for; Warn when it is not set. Throws std::invalid_argument
/// for a bad value.
LogLevel readLogLevel();

/// Whether lines of this level are written: for texts that cost something to put together. The
/// variable is read once; a bad value counts as Warn here (Application::run refuses it).
bool isLogged(LogLevel level) noexcept;

/// Writes "procession: <text>" and a newline to stderr, in one piece, if the level is asked for.
/// Never throws, so that destructors can report; never buffers, so that nothing is lost or doubled
/// by a fork.
void log(LogLevel level, std::string_view text) noexcept;
/// The same for what was asked for by other means than PROCESSION_LOG.
void tell(std::string_view text) noexcept;

}  // namespace procession::detail
