#include "procession/application.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

#include "procession/error.hpp"
#include "procession/process_manager.hpp"
#include "procession/process_pool.hpp"
#include "support/scoped_environment.hpp"
#include "support/scratch_folder.hpp"

namespace procession {
namespace {

using test::PlainEnvironment;
using test::ScratchFolder;
using testing::AllOf;
using testing::ExitedWithCode;
using testing::HasSubstr;
using testing::KilledBySignal;
using testing::Not;
using testing::StartsWith;

template <class Body>
int runBody(Body body) {
  return Application::run(0, nullptr, std::move(body));
}

/// What a program of this body prints on stderr; its status is looked at with EXPECT_EXIT.
class ApplicationTest : public testing::Test {
 protected:
  PlainEnvironment environment_;
};

TEST_F(ApplicationTest, TheBodyRunsOnceInThisProcess) {
  int calls = 0;
  const pid_t self = getpid();
  EXPECT_EQ(runBody([&] {
              ++calls;
              EXPECT_EQ(getpid(), self);
            }),
            0);
  EXPECT_EQ(calls, 1);
}

TEST_F(ApplicationTest, TheBodysStatusIsReturned) {
  EXPECT_EQ(runBody([] { return 7; }), 7);
}

TEST_F(ApplicationTest, OneRunMayFollowAnother) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(runBody([i] { return i; }), i);
  }
}

TEST_F(ApplicationTest, TheBodyMayOwnWhatCannotBeCopied) {
  EXPECT_EQ(runBody([status = std::make_unique<int>(4)] { return *status; }), 4);
}

TEST_F(ApplicationTest, AnEscapingExceptionIsToldWithItsType) {
  EXPECT_EXIT(std::exit(runBody([] { throw std::out_of_range("no such shelf"); })),
              ExitedWithCode(1), "^procession: error: std::out_of_range: no such shelf\n$");
}

TEST_F(ApplicationTest, NestedExceptionsAreToldWithTheirCauses) {
  EXPECT_EXIT(std::exit(runBody([] {
                try {
                  throw std::runtime_error("disk full");
                } catch (...) {
                  std::throw_with_nested(std::logic_error("cannot save"));
                }
              })),
              ExitedWithCode(1), "cannot save, caused by std::runtime_error: disk full\n$");
}

TEST_F(ApplicationTest, AnExceptionOfAnOddTypeIsToldAsWell) {
  EXPECT_EXIT(std::exit(runBody([] { throw 42; })), ExitedWithCode(1), "procession: error: int");
}

TEST_F(ApplicationTest, InterruptedByASignalItEndsByThatSignal) {
  EXPECT_EXIT(std::exit(runBody([] { throw Interrupted("stopped at item 3", SIGTERM); })),
              KilledBySignal(SIGTERM), "^procession: error: stopped at item 3 .SIGTERM.\n$");
}

TEST_F(ApplicationTest, ItEndsByTheSignalEvenWhereThatIsBlockedAndHandled) {
  const auto body = [] {
    signal(SIGINT, [](int) {});
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    throw Interrupted("stopped", SIGINT);
  };
  EXPECT_EXIT(std::exit(runBody(body)), KilledBySignal(SIGINT), "stopped");
}

TEST_F(ApplicationTest, BufferedOutputIsNotLostWhenASignalEndsIt) {
  const ScratchFolder folder;
  const auto name = folder.path() / "report";
  const auto body = [&name] {
    std::fputs("the last line\n", std::fopen(name.c_str(), "w"));
    throw Interrupted("stopped", SIGTERM);
  };
  EXPECT_EXIT(std::exit(runBody(body)), KilledBySignal(SIGTERM), "");
  std::ifstream report(name);
  std::string line;
  EXPECT_TRUE(std::getline(report, line));
  EXPECT_EQ(line, "the last line");
}

TEST_F(ApplicationTest, InterruptedByADeadlineItEndsWithStatusOne) {
  EXPECT_EXIT(std::exit(runBody([] { throw Interrupted("the deadline is near"); })),
              ExitedWithCode(1), "the deadline is near");
}

TEST_F(ApplicationTest, TheDeadlineOfTheEnvironmentEndsOperations) {
  environment_.set("PROCESSION_DEADLINE", "+1s");
  const auto body = [] {
    ProcessPool pool(2);
    pool.each(std::vector<int>(100'000, 0), [](int) { usleep(2000); });
  };
  EXPECT_EXIT(std::exit(runBody(body)), ExitedWithCode(1),
              "^procession: error: the deadline of PROCESSION_DEADLINE, .*, is near: stopped after "
              "[0-9]+ of 100000 items\n$");
}

TEST_F(ApplicationTest, TheEndOfTheSlurmJobEndsOperations) {
  // It has passed: nothing is begun.
  environment_.set("SLURM_JOB_ID", "4711");
  environment_.set("SLURM_JOB_END_TIME", "1700000000");
  const auto body = [] {
    ProcessPool pool(2);
    pool.each(std::vector<int>(100'000, 0), [](int) {});
  };
  EXPECT_EXIT(std::exit(runBody(body)), ExitedWithCode(1),
              "^procession: error: the deadline of Slurm job 4711, .*, is near: stopped after 0 of "
              "100000 items\n$");
}

TEST_F(ApplicationTest, ARealSignalDuringAnOperationEndsItByThatSignal) {
  const auto body = [] {
    ProcessPool pool(2);
    const pid_t parent = getpid();
    pool.each(std::vector<int>(4, 0), [parent](int) {
      kill(parent, SIGTERM);
      for (;;) {
        pause();
      }
    });
  };
  EXPECT_EXIT(std::exit(runBody(body)), KilledBySignal(SIGTERM), "procession: error: ");
}

TEST_F(ApplicationTest, InsideOfItselfItIsRefused) {
  std::string message;
  EXPECT_EQ(runBody([&message] {
              try {
                runBody([] { ADD_FAILURE() << "the inner body must not run"; });
              } catch (const std::logic_error& error) {
                message = error.what();
              }
              return 5;
            }),
            5);
  EXPECT_THAT(message, HasSubstr("inside"));
}

TEST_F(ApplicationTest, BadVariablesAreToldInOneLineAndNothingRuns) {
  for (const auto& [name, value] :
       {std::pair("PROCESSION_BACKEND", "threads"), std::pair("PROCESSION_BACKEND", "mpi"),
        std::pair("PROCESSION_WORKERS", "none"), std::pair("PROCESSION_WORKERS", "0"),
        std::pair("PROCESSION_LOG", "loud"), std::pair("PROCESSION_PROGRESS", "bar"),
        std::pair("PROCESSION_DEADLINE", "soon")}) {
    PlainEnvironment environment;
    environment.set(name, value);
    const std::string line =
        std::string("^procession: error: ") + name + " is '" + value + "'[^\n]*\n$";
    EXPECT_EXIT(std::exit(runBody([] { std::fputs("the body ran\n", stderr); })), ExitedWithCode(2),
                line);
  }
}

TEST_F(ApplicationTest, SeveralRanksAreRefusedOnceForTheJob) {
  environment_.set("OMPI_COMM_WORLD_SIZE", "3");
  environment_.set("OMPI_COMM_WORLD_RANK", "0");
  EXPECT_EXIT(std::exit(runBody([] { std::fputs("the body ran\n", stderr); })), ExitedWithCode(1),
              "^procession: error: started by mpirun[^\n]* 3 ranks[^\n]*\n$");
  environment_.set("OMPI_COMM_WORLD_RANK", "2");
  EXPECT_EXIT(std::exit(runBody([] { std::fputs("the body ran\n", stderr); })), ExitedWithCode(1),
              "^$");
  environment_.unset("OMPI_COMM_WORLD_RANK");
  EXPECT_EXIT(std::exit(runBody([] {})), ExitedWithCode(1), "3 ranks");
}

TEST_F(ApplicationTest, OneRankIsALaptop) {
  environment_.set("OMPI_COMM_WORLD_SIZE", "1");
  EXPECT_EQ(runBody([] { return 3; }), 3);
}

TEST_F(ApplicationTest, TheSerialBackendStartsNoProcess) {
  environment_.set("PROCESSION_BACKEND", "serial");
  EXPECT_EQ(
      runBody([] {
        ProcessPool pool;
        const pid_t self = getpid();
        EXPECT_THAT(pool.map(std::vector{1, 2}, [](int) { return getpid(); }), testing::Each(self));
      }),
      0);
}

int changedInTheBody = 0;

TEST_F(ApplicationTest, WorkersSeeGlobalsAsTheyWereAtItsBeginning) {
  EXPECT_EQ(runBody([] {
              changedInTheBody = 1;
              ProcessPool pool(2);
              EXPECT_THAT(pool.map(std::vector{1, 2, 3}, [](int) { return changedInTheBody; }),
                          testing::Each(0));
            }),
            0);
  changedInTheBody = 0;
}

TEST(AppTest, TheContainerHasThePoolAndTheManager) {
  const PlainEnvironment environment;
  auto pool = app<ProcessPool>("process.pool");
  EXPECT_EQ(pool.map(std::vector{1, 2, 3}, [](int n) { return 2 * n; }), (std::vector{2, 4, 6}));
  auto manager = app<ProcessManager>("process.manager");
  manager.add([] { return 5; });
  EXPECT_EQ(manager.run<int>(1), std::vector{5});
}

TEST(AppTest, EachPoolIsANewOne) {
  const PlainEnvironment environment;
  auto first = app<ProcessPool>("process.pool");
  auto second = app<ProcessPool>("process.pool");
  first.shutdown();
  EXPECT_EQ(second.map(std::vector{1}, [](int n) { return n; }), std::vector{1});
}

TEST(AppTest, UnknownNamesAndWrongTypesAreAnsweredWithWhatThereIs) {
  try {
    (void)app<ProcessPool>("process.pol");
    FAIL() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("process.pool (procession::ProcessPool)"),
                                    HasSubstr("process.manager (procession::ProcessManager)")));
  }
  EXPECT_THROW((void)app<ProcessManager>("process.pool"), std::invalid_argument);
}

TEST(AppTest, TheContainerTakesOnesOwnServices) {
  Application::getContainer().bind("answer", [] { return 42; });
  EXPECT_EQ(app<int>("answer"), 42);
}

}  // namespace
}  // namespace procession
