#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "system/clock_text.hpp"

namespace procession::detail {

/// The number of the Slurm job that this process is in; empty: in none.
std::optional<std::string> slurmJob();

/// When the job's time is over: SLURM_JOB_END_TIME, or what squeue says, which is given 3 s; it
/// must not hold up the job. Empty: the job has no limit, or Slurm does not tell, which is logged.
std::optional<WallTime> askSlurmForEnd(const std::string& job);

/// What squeue prints as the end of a job; empty where there is none.
std::optional<WallTime> parseSlurmEnd(std::string_view text);

}  // namespace procession::detail
