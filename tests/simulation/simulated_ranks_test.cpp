#include "simulation/simulated_ranks.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "backend/agents_backend.hpp"
#include "pool/operation_loop.hpp"
#include "procession/detail/pool/operations.hpp"
#include "procession/error.hpp"

namespace procession::test {
namespace {

constexpr auto kSame = [](double x) { return x; };
using Operation = detail::MapOperation<std::vector<double>, std::remove_const_t<decltype(kSame)>>;

class SimulatedRanksTest : public testing::Test {
 protected:
  SimulatedRanksTest() { std::iota(items_.begin(), items_.end(), 0.5); }

  std::vector<double> map() {
    Operation operation(items_, kSame, 0);
    detail::OperationLoop(backend_, operation, {}).run();
    return operation.takeResults();
  }

  std::vector<double> items_ = std::vector<double>(100'000);
  SimulatedRanks ranks_{40};
  detail::MailRoom room_{ranks_, std::make_unique<IdleLocalAgent>()};
  detail::AgentsBackend backend_{room_, 40};
};

TEST_F(SimulatedRanksTest, TheParentFeedsThemAndCollectsTheirResults) {
  EXPECT_EQ(map(), items_);
  EXPECT_EQ(map(), items_);
}

TEST_F(SimulatedRanksTest, APoolOfWhichARankHasNoWorkersIsOfNoUse) {
  ranks_.breakRank(7, std::make_exception_ptr(SystemError("no process can be forked", 11)));
  EXPECT_THROW(map(), SystemError);
  EXPECT_THROW(map(), SystemError);
}

}  // namespace
}  // namespace procession::test
