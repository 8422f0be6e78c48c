#include "backend/narrow_binding.hpp"

#include "system/cores.hpp"
#include "system/host_name.hpp"

namespace procession::detail {

std::optional<std::string> describeNarrowBinding(int used) {
  const int there = coresOfNode();
  if (2 * used >= there) {
    return std::nullopt;
  }
  return "the launcher bound what it started on host " + hostName() + " to " +
         std::to_string(used) + " of the " + std::to_string(there) +
         " cores there; to use all of them, start the program with --bind-to none (mpirun, "
         "mpiexec), or with --cpus-per-task or --cpu-bind=none (srun)";
}

}  // namespace procession::detail
