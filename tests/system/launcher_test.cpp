#include "system/launcher.hpp"

#include <gtest/gtest.h>

#include "support/scoped_environment.hpp"

namespace procession::detail {
namespace {

using test::PlainEnvironment;

TEST(LauncherTest, StartedByHandThereIsNone) {
  const PlainEnvironment environment;
  EXPECT_FALSE(detectLauncher());
}

TEST(LauncherTest, EveryConventionTellsSizeAndRank) {
  for (const auto& [size, rank] :
       {std::pair("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
        std::pair("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
        std::pair("JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_RANK"), std::pair("PMI_SIZE", "PMI_RANK"),
        std::pair("SLURM_STEP_NUM_TASKS", "SLURM_PROCID")}) {
    PlainEnvironment environment;
    environment.set(size, "4");
    environment.set(rank, "3");
    const auto launcher = detectLauncher();
    ASSERT_TRUE(launcher) << size;
    EXPECT_EQ(launcher->size, 4) << size;
    EXPECT_EQ(launcher->rank, 3) << size;
    EXPECT_TRUE(launcher->hasSeveralRanks()) << size;
  }
}

TEST(LauncherTest, AWorldOfOneIsNotSeveral) {
  PlainEnvironment environment;
  environment.set("PMI_SIZE", "1");
  ASSERT_TRUE(detectLauncher());
  EXPECT_FALSE(detectLauncher()->hasSeveralRanks());
}

TEST(LauncherTest, TheInnerLauncherCounts) {
  PlainEnvironment environment;
  environment.set("SLURM_STEP_NUM_TASKS", "2");  // Open MPI's daemons
  environment.set("OMPI_COMM_WORLD_SIZE", "1");
  EXPECT_FALSE(detectLauncher()->hasSeveralRanks());
}

TEST(LauncherTest, ABatchScriptsRequestIsNoEvidence) {
  PlainEnvironment environment;
  environment.set("SLURM_NTASKS", "4");
  environment.set("SLURM_PROCID", "0");
  EXPECT_FALSE(detectLauncher());
}

TEST(LauncherTest, AHighPmixRankTellsOfOthers) {
  PlainEnvironment environment;
  environment.set("PMIX_RANK", "0");
  EXPECT_FALSE(detectLauncher());
  environment.set("PMIX_RANK", "2");
  ASSERT_TRUE(detectLauncher());
  EXPECT_TRUE(detectLauncher()->hasSeveralRanks());
  EXPECT_EQ(detectLauncher()->rank, 2);
}

}  // namespace
}  // namespace procession::detail
