#include "system/slurm.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "procession/error.hpp"
#include "system/command.hpp"
#include "system/environment.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

constexpr std::chrono::seconds kPatience{3};

/// What Slurm prints for a time that there is not.
bool isNoTime(std::string_view text) {
  constexpr std::array<std::string_view, 4> kWords{"Unknown", "N/A", "NONE", "None"};
  return std::ranges::find(kWords, text) != kWords.end();
}

}  // namespace

std::optional<std::string> slurmJob() {
  const auto job = readVariable("SLURM_JOB_ID");
  return job ? job : readVariable("SLURM_JOBID");
}

std::optional<WallTime> parseSlurmEnd(std::string_view text) {
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text.starts_with('+') ? std::nullopt : parseMoment(text, {});
}

std::optional<WallTime> askSlurmForEnd(const std::string& job) {
  if (const auto end = readVariable("SLURM_JOB_END_TIME")) {  // of newer versions
    if (const auto time = parseSlurmEnd(*end)) {
      return time;
    }
  }
  try {
    const std::string end = firstLineOf({"squeue", "--noheader", "--jobs=" + job, "--format=%e"},
                                        {"SLURM_TIME_FORMAT=standard"}, kPatience);
    if (const auto time = parseSlurmEnd(end)) {
      return time;
    }
    if (isNoTime(end)) {
      return std::nullopt;
    }
    throw Error("squeue says '" + end + "'");
  } catch (const Error& error) {
    log(LogLevel::Warn, "the end of Slurm job " + job + " is not known (" + error.what() +
                            "): operations go on until they are done or the job is ended; "
                            "PROCESSION_DEADLINE can tell");
    return std::nullopt;
  }
}

}  // namespace procession::detail
