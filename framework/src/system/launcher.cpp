#include "system/launcher.hpp"

#include "system/environment.hpp"

namespace procession::detail {
namespace {

struct Convention {
  const char* name;
  const char* size;
  const char* rank;
};

// The innermost launcher first: `mpirun` in a Slurm step leaves the step's variables in place, and
// Slurm's PMI plugins set PMI_* in addition to the step's own.
constexpr Convention kConventions[] = {
    {"mpirun (Open MPI)", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    {"mpirun (MVAPICH2)", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"},
    {"jsrun", "JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK"},
    {"a launcher with PMI (mpiexec, srun)", "PMI_SIZE", "PMI_RANK"},
    {"srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
};

}  // namespace

std::optional<Launcher> detectLauncher() {
  for (const Convention& convention : kConventions) {
    if (const auto size = positiveVariable(convention.size)) {
      return Launcher{convention.name, size, naturalVariable(convention.rank)};
    }
  }
  // PMIx hands the size over a socket, not in the environment. A rank above 0 says that there are
  // several.
  if (const auto rank = naturalVariable("PMIX_RANK"); rank.value_or(0) > 0) {
    return Launcher{"a launcher with PMIx", std::nullopt, rank};
  }
  return std::nullopt;
}

}  // namespace procession::detail
