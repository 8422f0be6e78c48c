#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "faults/outsider.hpp"
#include "faults/rounds.hpp"
#include "support/scratch_folder.hpp"

// Everything that can happen to items, in every mix, many times over.

namespace procession::test {
namespace {

TEST(PoolFaultsTest, EveryItemComesToWhatItsCallbackDoesWhateverHappensToTheOthers) {
  const RoundsOptions options = RoundsOptions::fromEnvironment(std::chrono::seconds(20));
  const ScratchFolder folder;
  Book book(folder.path().string());
  std::printf("FAULTS_SEED=%llu, for %lld s\n", static_cast<unsigned long long>(options.seed),
              static_cast<long long>(
                  std::chrono::duration_cast<std::chrono::seconds>(options.time).count()));
  const auto start = std::chrono::steady_clock::now();
  {
    const Outsider outsider(folder.path().string());
    EXPECT_EQ(runRounds(book, options), "");
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  std::printf("%selapsed: %.1f s\n", book.tally().describe().c_str(), elapsed.count());
}

}  // namespace
}  // namespace procession::test
