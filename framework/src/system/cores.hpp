#pragma once

#include <optional>

namespace procession::detail {

/// CPUs that this process may be scheduled on: its affinity mask, also beyond 1,024 CPUs. At least
/// 1.
int affinityCores();

/// CPUs of this machine that a process of this job may use when it is not bound: what the control
/// group and Slurm leave of them. Widens the calling thread's mask for a moment to find out.
int coresOfNode();

/// CPUs that Slurm gave this task; empty outside Slurm. A step's own figure where there is one;
/// otherwise this node's part of the step or job, shared evenly by the tasks that the step has
/// here.
std::optional<int> slurmCores();

/// How many workers this process can keep busy: the least of affinity mask, control-group quota and
/// Slurm's share. At least 1. Asked anew at every call, since masks and quotas may change.
int availableCores();
/// The same for one of several processes that were given the same affinity mask and control group:
/// its part of what they share. `index` is its place among the `sharers`; first come the larger
/// parts. Slurm's share is each task's own already.
int availableCores(int sharers, int index);

}  // namespace procession::detail
