#include "procession/outcome.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace procession {
namespace {

const OutcomeDetails kDetails{.attempts = 2, .duration = std::chrono::seconds(3), .host = "node7"};

std::exception_ptr lost() {
  return std::make_exception_ptr(WorkerLost(ProcessStatus::exited(3), {}));
}

TEST(OutcomeTest, HoldsAValue) {
  const Outcome<std::string> outcome("text", kDetails);
  EXPECT_TRUE(outcome);
  EXPECT_EQ(*outcome, "text");
  EXPECT_EQ(outcome.value(), "text");
  EXPECT_EQ(outcome->size(), 4U);
  EXPECT_EQ(outcome.valueOr("other"), "text");
  EXPECT_THROW(static_cast<void>(outcome.error()), std::logic_error);
  EXPECT_EQ(outcome.getAttempts(), 2);
  EXPECT_EQ(outcome.getDuration(), std::chrono::seconds(3));
  EXPECT_EQ(outcome.getHost(), "node7");
}

TEST(OutcomeTest, OrTheErrorThatCameInItsPlace) {
  const Outcome<std::string> outcome(lost(), kDetails);
  EXPECT_FALSE(outcome);
  EXPECT_THROW(static_cast<void>(*outcome), WorkerLost);
  EXPECT_THROW(static_cast<void>(outcome.value()), WorkerLost);
  EXPECT_EQ(outcome.valueOr("other"), "other");
  EXPECT_EQ(dynamic_cast<const WorkerLost&>(outcome.error()).getExitCode(), 3);
  EXPECT_EQ(outcome.getAttempts(), 2);
}

TEST(OutcomeTest, AFalseValueIsAValue) {
  const Outcome<bool> outcome(false, kDetails);
  EXPECT_TRUE(outcome);
  EXPECT_FALSE(*outcome);
}

TEST(OutcomeTest, CopiesOutliveTheOriginal) {
  auto original = std::make_unique<Outcome<int>>(lost(), kDetails);
  const Outcome<int> copy = *original;
  original.reset();
  EXPECT_STREQ(copy.error().what(),
               "the process that ran the callback exited with code 3 before the callback returned");
}

TEST(OutcomeTest, AMoveOnlyValueCanBeTakenOut) {
  Outcome<std::unique_ptr<int>> outcome(std::make_unique<int>(42), kDetails);
  EXPECT_EQ(**outcome, 42);
  const std::unique_ptr<int> taken = *std::move(outcome);
  EXPECT_EQ(*taken, 42);
}

TEST(OutcomeTest, OfVoidTellsWhetherItWasDone) {
  const Outcome<void> done(kDetails);
  EXPECT_TRUE(done);
  EXPECT_NO_THROW(*done);
  const Outcome<void> failed(lost(), kDetails);
  EXPECT_FALSE(failed);
  EXPECT_THROW(failed.value(), WorkerLost);
}

TEST(OutcomeTest, HoldsNoErrorButOurs) {
  EXPECT_THROW(Outcome<int>(std::make_exception_ptr(std::runtime_error("foreign")), kDetails),
               std::invalid_argument);
}

}  // namespace
}  // namespace procession
