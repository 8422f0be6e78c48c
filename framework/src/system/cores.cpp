#include "system/cores.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "system/cpu_quota.hpp"
#include "system/environment.hpp"

namespace procession::detail {
namespace {

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

int onlineCores() {
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online < 1 ? 1 : static_cast<int>(online);
}

// "(x3)": 3.
std::optional<int> repetition(std::string_view text) {
  return text.starts_with("(x") && text.ends_with(')')
             ? parsePositive(text.substr(2, text.size() - 3))
             : std::nullopt;
}

// "2(x3),1" for nodes with 2, 2, 2 and 1 tasks: the count of node number `node`.
std::optional<int> tasksOfNode(std::string_view list, int node) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const std::string_view part = list.substr(0, comma);
    const auto open = part.find('(');
    const auto tasks = parsePositive(part.substr(0, open));
    const auto nodes =
        open == std::string_view::npos ? std::optional(1) : repetition(part.substr(open));
    if (!tasks || !nodes) {
      return std::nullopt;
    }
    if (node < *nodes) {
      return tasks;
    }
    node -= *nodes;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return std::nullopt;
}

using CpuSet = std::unique_ptr<cpu_set_t, FreeCpuSet>;

/// The calling thread's mask, with the size that the kernel asks for.
struct Affinity {
  CpuSet mask;
  std::size_t size = 0;

  [[nodiscard]] int count() const { return std::max(1, CPU_COUNT_S(size, mask.get())); }
};

std::optional<Affinity> affinity() {
  // A mask that is too small is refused with EINVAL; the kernel's size is not told otherwise.
  for (std::size_t cpus = 1024; cpus <= (1u << 20); cpus *= 2) {
    Affinity affinity{CpuSet(CPU_ALLOC(cpus)), CPU_ALLOC_SIZE(cpus)};
    if (affinity.mask == nullptr) {
      break;
    }
    if (sched_getaffinity(0, affinity.size, affinity.mask.get()) == 0) {
      return affinity;
    }
    if (errno != EINVAL) {
      break;
    }
  }
  return std::nullopt;
}

/// The mask that the thread would have if nobody had bound it: the kernel takes away what the
/// control group does not allow.
int widestAffinity() {
  const std::optional<Affinity> before = affinity();
  if (!before) {
    return onlineCores();
  }
  const CpuSet all(CPU_ALLOC(8 * before->size));
  if (all == nullptr) {
    return before->count();
  }
  std::memset(all.get(), 0xff, before->size);
  if (sched_setaffinity(0, before->size, all.get()) != 0) {
    return before->count();
  }
  const std::optional<Affinity> widest = affinity();
  sched_setaffinity(0, before->size, before->mask.get());
  return widest ? widest->count() : before->count();
}

}  // namespace

int affinityCores() {
  const std::optional<Affinity> mask = affinity();
  return mask ? mask->count() : onlineCores();
}

int coresOfNode() {
  int cores = widestAffinity();
  for (const std::optional<int> limit : {cpuQuota(), positiveVariable("SLURM_CPUS_ON_NODE")}) {
    cores = std::min(cores, limit.value_or(cores));
  }
  return cores;
}

std::optional<int> slurmCores() {
  const bool inStep = positiveVariable("SLURM_STEP_NUM_TASKS").has_value();
  if (inStep) {
    // In a batch script the same variable is only the request for later steps; there the script has
    // the whole node.
    if (const auto perTask = positiveVariable("SLURM_CPUS_PER_TASK")) {
      return perTask;
    }
  }
  const auto onNode = positiveVariable("SLURM_CPUS_ON_NODE");
  if (!onNode || !inStep) {
    return onNode;
  }
  const char* tasksPerNode = std::getenv("SLURM_STEP_TASKS_PER_NODE");
  const int node = naturalVariable("SLURM_NODEID").value_or(0);
  const int tasks = tasksPerNode == nullptr ? 1 : tasksOfNode(tasksPerNode, node).value_or(1);
  return std::max(1, *onNode / tasks);
}

int availableCores() { return availableCores(1, 0); }

int availableCores(int sharers, int index) {
  int cores = affinityCores();
  if (const auto quota = cpuQuota()) {
    cores = std::min(cores, *quota);
  }
  cores = cores / sharers + (index < cores % sharers ? 1 : 0);
  if (const auto share = slurmCores()) {
    cores = std::min(cores, *share);
  }
  return std::max(1, cores);
}

}  // namespace procession::detail
