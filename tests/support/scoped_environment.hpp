#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace procession::test {

/// Sets environment variables for the length of a test and puts back what was there.
class ScopedEnvironment {
 public:
  ScopedEnvironment() = default;
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;
  ~ScopedEnvironment() {
    for (const auto& [name, value] : before_) {
      apply(name, value);
    }
  }

  void set(const std::string& name, const std::string& value) { change(name, value); }
  void unset(const std::string& name) { change(name, std::nullopt); }

 private:
  void change(const std::string& name, const std::optional<std::string>& value) {
    const char* current = std::getenv(name.c_str());
    before_.try_emplace(name,
                        current == nullptr ? std::nullopt : std::optional<std::string>(current));
    apply(name, value);
  }
  static void apply(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
      setenv(name.c_str(), value->c_str(), 1);
    } else {
      unsetenv(name.c_str());
    }
  }

  std::map<std::string, std::optional<std::string>> before_;  // empty: was not set
};

/// An environment in which no launcher and no batch system started us, and Procession's variables
/// are unset.
class PlainEnvironment : public ScopedEnvironment {
 public:
  PlainEnvironment() {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE",
                             "OMPI_COMM_WORLD_RANK",
                             "MV2_COMM_WORLD_SIZE",
                             "MV2_COMM_WORLD_RANK",
                             "JSM_NAMESPACE_SIZE",
                             "JSM_NAMESPACE_RANK",
                             "PMI_SIZE",
                             "PMI_RANK",
                             "PMIX_RANK",
                             "SLURM_STEP_NUM_TASKS",
                             "SLURM_PROCID",
                             "SLURM_NTASKS",
                             "SLURM_CPUS_PER_TASK",
                             "SLURM_CPUS_ON_NODE",
                             "SLURM_STEP_TASKS_PER_NODE",
                             "SLURM_NODEID",
                             "SLURM_JOB_ID",
                             "SLURM_JOBID",
                             "SLURM_JOB_END_TIME",
                             "PROCESSION_BACKEND",
                             "PROCESSION_WORKERS",
                             "PROCESSION_PROGRESS",
                             "PROCESSION_TRACE",
                             "PROCESSION_DEADLINE"}) {
      unset(name);
    }
  }
};

}  // namespace procession::test
