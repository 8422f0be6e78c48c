#pragma once

#include <filesystem>
#include <optional>

namespace procession::detail {

/// The CPUs that the control groups of this process leave it, rounded up to whole ones; empty
/// without a limit.
///
/// Containers and batch systems limit CPU time by a quota, which no affinity mask shows. Both
/// generations of control groups are read, and every group from the process's own up to the root,
/// since each one limits those below it. What cannot be read limits nothing.
///
/// `root` stands for "/": tests hand in a made tree that has proc/self/cgroup, proc/self/mountinfo
/// and the groups.
std::optional<int> cpuQuota(const std::filesystem::path& root = "/");

}  // namespace procession::detail
