#include "system/cores.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include "support/scoped_environment.hpp"
#include "support/scratch_folder.hpp"
#include "system/cpu_quota.hpp"
#include "system/environment.hpp"

namespace procession::detail {
namespace {

using test::PlainEnvironment;
using test::ScratchFolder;

constexpr const char* kUnifiedMount =
    "40 30 0:37 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kLegacyMount =
    "31 30 0:28 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n";

/// A made tree with the two files of /proc; the test adds the groups.
class CpuQuotaTest : public testing::Test {
 protected:
  void describe(const std::string& groups, const std::string& mounts) {
    tree_.write("proc/self/cgroup", groups);
    tree_.write("proc/self/mountinfo", "22 1 0:20 / / rw,relatime - ext4 /dev/root rw\n" + mounts);
  }
  std::optional<int> quota() const { return cpuQuota(tree_.path()); }

  ScratchFolder tree_;
};

TEST_F(CpuQuotaTest, NothingToReadIsNoLimit) { EXPECT_EQ(quota(), std::nullopt); }

TEST_F(CpuQuotaTest, TheGroupsOwnQuotaIsRoundedUp) {
  describe("0::/job\n", kUnifiedMount);
  tree_.write("sys/fs/cgroup/job/cpu.max", "250000 100000\n");
  EXPECT_EQ(quota(), 3);
}

TEST_F(CpuQuotaTest, AFractionOfACoreIsOneCore) {
  describe("0::/job\n", kUnifiedMount);
  tree_.write("sys/fs/cgroup/job/cpu.max", "1000 100000\n");
  EXPECT_EQ(quota(), 1);
}

TEST_F(CpuQuotaTest, MaxIsNoLimit) {
  describe("0::/job\n", kUnifiedMount);
  tree_.write("sys/fs/cgroup/job/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
}

TEST_F(CpuQuotaTest, AGroupFurtherUpLimitsToo) {
  describe("0::/slice/job/step\n", kUnifiedMount);
  tree_.write("sys/fs/cgroup/slice/cpu.max", "200000 100000\n");
  tree_.write("sys/fs/cgroup/slice/job/cpu.max", "800000 100000\n");
  tree_.write("sys/fs/cgroup/slice/job/step/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), 2);
  tree_.write("sys/fs/cgroup/slice/job/cpu.max", "100000 100000\n");
  EXPECT_EQ(quota(), 1);
}

TEST_F(CpuQuotaTest, TheRootOfAContainersViewIsRead) {
  describe("0::/\n", kUnifiedMount);
  tree_.write("sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(quota(), 4);
}

TEST_F(CpuQuotaTest, AMountOfPartOfTheHierarchyIsFollowed) {
  describe("0::/docker/abc/inner\n",
           "40 30 0:37 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  tree_.write("sys/fs/cgroup/inner/cpu.max", "500000 100000\n");
  EXPECT_EQ(quota(), 5);
}

TEST_F(CpuQuotaTest, AGroupOutsideOfTheMountCountsByTheMountPoint) {
  describe("0::/../elsewhere\n", kUnifiedMount);
  tree_.write("sys/fs/cgroup/cpu.max", "600000 100000\n");
  tree_.write("sys/fs/elsewhere/cpu.max", "100000 100000\n");  // not where that group is
  EXPECT_EQ(quota(), 6);
}

TEST_F(CpuQuotaTest, VersionOneHasItsQuotaInTwoFiles) {
  describe("5:memory:/job\n4:cpu,cpuacct:/job\n", kLegacyMount);
  tree_.write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "350000\n");
  tree_.write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(quota(), 7);
}

TEST_F(CpuQuotaTest, VersionOneSaysMinusOneForNoLimit) {
  describe("4:cpu,cpuacct:/job\n", kLegacyMount);
  tree_.write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
  tree_.write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  tree_.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "800000\n");
  tree_.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 8);
}

TEST_F(CpuQuotaTest, TheTighterOfBothVersionsCounts) {
  describe("4:cpu:/a\n0::/b\n", std::string(kUnifiedMount) + kLegacyMount);
  tree_.write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "300000\n");
  tree_.write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  tree_.write("sys/fs/cgroup/b/cpu.max", "900000 100000\n");
  EXPECT_EQ(quota(), 3);
  tree_.write("sys/fs/cgroup/b/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2);
}

TEST_F(CpuQuotaTest, OtherHierarchiesAreNotAsked) {
  const std::string other = "33 30 0:30 / /sys/fs/cgroup/set rw - cgroup cgroup rw,cpuset\n";
  for (const char* hierarchy : {"cpu", "set"}) {
    const std::string folder = std::string("sys/fs/cgroup/") + hierarchy + "/job/";
    tree_.write(folder + "cpu.cfs_quota_us", "100000\n");
    tree_.write(folder + "cpu.cfs_period_us", "100000\n");
  }
  describe("4:cpuset:/job\n", kLegacyMount + other);
  EXPECT_EQ(quota(), std::nullopt) << "no quota of its group";
  describe("4:cpu:/job\n", other);
  EXPECT_EQ(quota(), std::nullopt) << "no hierarchy of quotas";
}

TEST_F(CpuQuotaTest, PathsMayHoldSpacesAndColons) {
  describe("0::/a:b c\n", "40 30 0:37 / /odd\\040place rw - cgroup2 cgroup2 rw\n");
  tree_.write("odd place/a:b c/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota(), 2);
}

TEST_F(CpuQuotaTest, BrokenFilesAreNoLimit) {
  describe("nonsense\n0::/job\n1\n", std::string("1 2 3\n\n- - -\n") + kUnifiedMount);
  tree_.write("sys/fs/cgroup/job/cpu.max", "0 0\n");
  EXPECT_EQ(quota(), std::nullopt);
  tree_.write("sys/fs/cgroup/job/cpu.max", "-5 100000\n");
  EXPECT_EQ(quota(), std::nullopt);
  tree_.write("sys/fs/cgroup/job/cpu.max", "1e300 1\n");
  EXPECT_EQ(quota(), 1 << 20);
}

TEST(CoresTest, TheAffinityMaskLimits) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) {
    ++first;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(affinityCores(), 1);
  EXPECT_EQ(availableCores(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_EQ(affinityCores(), CPU_COUNT(&before));
}

TEST(CoresTest, WhatANodeHasIsSeenByAProcessThatIsBound) {
  const PlainEnvironment environment;
  const int cores = coresOfNode();
  EXPECT_GE(cores, availableCores());
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(coresOfNode(), cores);
  EXPECT_EQ(affinityCores(), 1) << "it is bound as before";
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(CoresTest, OfANodeAJobHasWhatSlurmGaveIt) {
  PlainEnvironment environment;
  environment.set("SLURM_CPUS_ON_NODE", "1");
  EXPECT_EQ(coresOfNode(), 1);
}

TEST(CoresTest, OutsideSlurmNothingIsKnownOfIt) {
  const PlainEnvironment environment;
  EXPECT_EQ(slurmCores(), std::nullopt);
  EXPECT_GE(availableCores(), 1);
}

TEST(CoresTest, ABatchScriptHasItsWholeNode) {
  PlainEnvironment environment;
  environment.set("SLURM_CPUS_ON_NODE", "16");
  environment.set("SLURM_CPUS_PER_TASK", "2");  // what its steps will be given
  EXPECT_EQ(slurmCores(), 16);
}

TEST(CoresTest, ATaskOfAStepHasItsOwnShare) {
  PlainEnvironment environment;
  environment.set("SLURM_STEP_NUM_TASKS", "4");
  environment.set("SLURM_CPUS_ON_NODE", "16");
  environment.set("SLURM_CPUS_PER_TASK", "3");
  EXPECT_EQ(slurmCores(), 3);
}

TEST(CoresTest, WithoutAShareTheTasksOfANodeDivideIt) {
  PlainEnvironment environment;
  environment.set("SLURM_STEP_NUM_TASKS", "7");
  environment.set("SLURM_STEP_TASKS_PER_NODE", "2(x2),3");
  environment.set("SLURM_CPUS_ON_NODE", "16");
  for (const auto& [node, share] : {std::pair("0", 8), std::pair("1", 8), std::pair("2", 5)}) {
    environment.set("SLURM_NODEID", node);
    EXPECT_EQ(slurmCores(), share) << "node " << node;
  }
  environment.set("SLURM_STEP_TASKS_PER_NODE", "64");
  environment.set("SLURM_NODEID", "0");
  EXPECT_EQ(slurmCores(), 1);
}

TEST(CoresTest, OddTaskListsCountAsOneTask) {
  PlainEnvironment environment;
  environment.set("SLURM_STEP_NUM_TASKS", "2");
  environment.set("SLURM_CPUS_ON_NODE", "12");
  for (const char* list : {"", "(x2)", "2(x", "2(xx)", "two", ",2", "1"}) {
    environment.set("SLURM_STEP_TASKS_PER_NODE", list);
    EXPECT_EQ(slurmCores(), 12) << "'" << list << "'";
  }
}

TEST(CoresTest, SlurmsShareLimitsAndNonsenseDoesNot) {
  PlainEnvironment environment;
  environment.set("SLURM_CPUS_ON_NODE", "1");
  EXPECT_EQ(availableCores(), 1);
  for (const char* value : {"0", "-3", "", "x", "4x", "99999999999999999999"}) {
    environment.set("SLURM_CPUS_ON_NODE", value);
    EXPECT_EQ(slurmCores(), std::nullopt) << "'" << value << "'";
    EXPECT_GE(availableCores(), 1);
  }
}

TEST(EnvironmentTest, NumbersAreTakenWholeOrNotAtAll) {
  EXPECT_EQ(parsePositive("12"), 12);
  EXPECT_EQ(parseNatural("0"), 0);
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "1.5", "0x10", "2147483648"}) {
    EXPECT_EQ(parsePositive(text), std::nullopt) << "'" << text << "'";
  }
  EXPECT_EQ(parsePositive("0"), std::nullopt);
}

}  // namespace
}  // namespace procession::detail
