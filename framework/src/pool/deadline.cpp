#include "pool/deadline.hpp"

#include <mutex>

#include "system/environment.hpp"
#include "system/slurm.hpp"

namespace procession::detail {

std::optional<Deadline> findJobDeadline() {
  if (const auto text = readVariable("PROCESSION_DEADLINE")) {
    if (*text == "none") {
      return std::nullopt;
    }
    if (const auto moment = parseMoment(*text, std::chrono::system_clock::now())) {
      return Deadline{*moment, "PROCESSION_DEADLINE"};
    }
    throwBadVariable("PROCESSION_DEADLINE", *text,
                     "none, a time like 2026-11-25T18:30 (with Z: UTC), seconds since 1970, or a "
                     "time from now like +90m or +1h30m");
  }
  if (const auto job = slurmJob()) {
    if (const auto end = askSlurmForEnd(*job)) {
      return Deadline{*end, "Slurm job " + *job};
    }
  }
  return std::nullopt;
}

namespace {

std::mutex mutex;
std::optional<std::optional<Deadline>> known;  // empty: not found out yet

}  // namespace

void noteJobDeadline() {
  const std::lock_guard lock(mutex);
  known = findJobDeadline();
}

std::optional<Deadline> jobDeadline() {
  const std::lock_guard lock(mutex);
  if (!known) {
    known = findJobDeadline();
  }
  return *known;
}

}  // namespace procession::detail
