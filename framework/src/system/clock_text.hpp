#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace procession::detail {

using WallTime = std::chrono::system_clock::time_point;

/// A moment as people write it; empty for anything else:
///
///     2026-11-25T18:30, 2026-11-25 18:30:00   local time
///     2026-11-25T18:30:00Z, ...+01:00         of that zone
///     1795631400                              seconds since 1970
///     +90m, +1h30m, +2d, +45s                 from `now` on
std::optional<WallTime> parseMoment(std::string_view text, WallTime now);

/// "2026-11-25 18:30:00", local time.
std::string momentText(WallTime moment);

}  // namespace procession::detail
