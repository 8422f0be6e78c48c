#pragma once

#include <optional>
#include <string>

namespace procession::detail {

/// How a parallel launcher (mpirun, srun, ...) started this process.
struct Launcher {
  std::string name;         // for messages: "mpirun (Open MPI)"
  std::optional<int> size;  // ranks in all; empty when it tells only that there are several
  std::optional<int> rank;  // of this process

  [[nodiscard]] bool hasSeveralRanks() const { return size.value_or(2) > 1; }
};

/// The launcher that started this process, read from the environment it left; empty when started by
/// hand.
///
/// SLURM_NTASKS and SLURM_NPROCS are no evidence: a batch script has them too, before any launcher
/// ran.
std::optional<Launcher> detectLauncher();

}  // namespace procession::detail
