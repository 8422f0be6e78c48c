#include "backend/backend_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "procession/error.hpp"
#include "support/scoped_environment.hpp"
#include "system/cores.hpp"

namespace procession::detail {
namespace {

using test::PlainEnvironment;
using testing::AllOf;
using testing::HasSubstr;

template <class Exception>
std::string messageOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Exception& exception) {
    return exception.what();
  }
  return "nothing was thrown";
}

TEST(BackendChoiceTest, ForkUnlessAskedOtherwise) {
  PlainEnvironment environment;
  EXPECT_EQ(chooseBackend(), BackendKind::Fork);
  environment.set("PROCESSION_BACKEND", "");
  EXPECT_EQ(chooseBackend(), BackendKind::Fork);
  environment.set("PROCESSION_BACKEND", "fork");
  EXPECT_EQ(chooseBackend(), BackendKind::Fork);
  environment.set("PROCESSION_BACKEND", "serial");
  EXPECT_EQ(chooseBackend(), BackendKind::Serial);
}

TEST(BackendChoiceTest, AnUnknownBackendIsNamedWithItsVariable) {
  PlainEnvironment environment;
  for (const char* value : {"threads", "fork ", "forks"}) {
    environment.set("PROCESSION_BACKEND", value);
    EXPECT_THAT(
        messageOf<std::invalid_argument>(chooseBackend),
        AllOf(HasSubstr("PROCESSION_BACKEND"), HasSubstr(value), HasSubstr("fork, mpi or serial")));
  }
}

TEST(BackendChoiceTest, MpiIsSaidNotToBeBuiltIn) {
  PlainEnvironment environment;
  environment.set("PROCESSION_BACKEND", "mpi");
  EXPECT_THAT(messageOf<Error>(chooseBackend), HasSubstr("not built into this program"));
}

TEST(BackendChoiceTest, TheWorkerCountIsTheRequestedOne) {
  PlainEnvironment environment;
  environment.set("PROCESSION_WORKERS", "5");
  EXPECT_EQ(chooseWorkerCount(3), 3);
}

TEST(BackendChoiceTest, ByDefaultTheVariableCountsAndThenTheCores) {
  PlainEnvironment environment;
  EXPECT_EQ(chooseWorkerCount(0), availableCores());
  environment.set("PROCESSION_WORKERS", "");
  EXPECT_EQ(chooseWorkerCount(0), availableCores());
  environment.set("PROCESSION_WORKERS", "5");
  EXPECT_EQ(chooseWorkerCount(0), 5);
}

TEST(BackendChoiceTest, BadWorkerCountsAreRefused) {
  PlainEnvironment environment;
  EXPECT_THAT(messageOf<std::invalid_argument>([] { chooseWorkerCount(-1); }), HasSubstr("-1"));
  for (const char* value : {"0", "-2", "many", "1.5", "4 ", "65537", "99999999999999999999"}) {
    environment.set("PROCESSION_WORKERS", value);
    EXPECT_THAT(messageOf<std::invalid_argument>([] { chooseWorkerCount(0); }),
                AllOf(HasSubstr("PROCESSION_WORKERS"), HasSubstr(value)));
  }
}

TEST(BackendChoiceTest, OneRankIsEnough) {
  PlainEnvironment environment;
  EXPECT_NO_THROW(requireSingleRank());
  environment.set("OMPI_COMM_WORLD_SIZE", "1");
  EXPECT_NO_THROW(requireSingleRank());
}

TEST(BackendChoiceTest, SeveralRanksAreRefusedWithTheLaunchersName) {
  PlainEnvironment environment;
  environment.set("OMPI_COMM_WORLD_SIZE", "4");
  environment.set("OMPI_COMM_WORLD_RANK", "1");
  EXPECT_THAT(messageOf<Error>(requireSingleRank),
              AllOf(HasSubstr("Open MPI"), HasSubstr("4 ranks")));
}

}  // namespace
}  // namespace procession::detail
