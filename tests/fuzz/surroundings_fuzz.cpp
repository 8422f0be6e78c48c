#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "fuzz/fuzz.hpp"
#include "support/scratch_folder.hpp"
#include "system/cores.hpp"
#include "system/cpu_quota.hpp"
#include "system/environment.hpp"
#include "system/launcher.hpp"

// What launchers, batch systems, control groups and users say: environment variables, and the files
// in which the kernel tells of CPU quotas. Nothing of it may be more than ignored, or refused by
// name.

namespace {

using namespace procession::detail;  // NOLINT: a program of one function

constexpr std::array kVariables = {
    "OMPI_COMM_WORLD_SIZE",      "OMPI_COMM_WORLD_RANK", "PMI_SIZE",           "PMIX_RANK",
    "SLURM_STEP_NUM_TASKS",      "SLURM_CPUS_PER_TASK",  "SLURM_CPUS_ON_NODE", "SLURM_NODEID",
    "SLURM_STEP_TASKS_PER_NODE", "PROCESSION_FUZZED"};

std::string textOf(procession::detail::ByteView bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.substr(0, text.find('\0'));
}

template <class Action>
void mayBeRefused(Action action) {
  try {
    action();
  } catch (const std::invalid_argument&) {
    // names the variable
  }
}

void readVariables() {
  static_cast<void>(detectLauncher());
  if (slurmCores().value_or(1) < 1 || availableCores() < 1) {
    std::abort();
  }
  mayBeRefused([] { static_cast<void>(readInteger("PROCESSION_FUZZED", -3, 1'000'000)); });
  mayBeRefused([] { static_cast<void>(readChoice("PROCESSION_FUZZED", {"fork", "mpi"})); });
  mayBeRefused([] { static_cast<void>(readSwitch("PROCESSION_FUZZED")); });
}

void readQuota(procession::test::FuzzInput& input) {
  static const procession::test::ScratchFolder root;
  for (const char* name : {"proc/self/cgroup", "proc/self/mountinfo", "sys/fs/cgroup/cpu.max",
                           "sys/fs/cgroup/cpu.cfs_quota_us", "sys/fs/cgroup/cpu.cfs_period_us"}) {
    root.write(name, textOf(input.take(input.takeByte())));
  }
  if (cpuQuota(root.path()).value_or(1) < 1) {
    std::abort();
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  procession::test::FuzzInput input(data, size);
  if (input.takeByte() % 2 == 0) {
    for (const char* variable : kVariables) {
      setenv(variable, textOf(input.take(input.takeByte())).c_str(), 1);
    }
    readVariables();
  } else {
    readQuota(input);
  }
  return 0;
}
