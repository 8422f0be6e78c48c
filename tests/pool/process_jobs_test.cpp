#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pool/pool_test_support.hpp"
#include "procession/process_pool.hpp"
#include "procession/worker_interface.hpp"
#include "support/crash.hpp"

// What ProcessPool::process and WorkerInterface promise on every backend.

namespace procession::test {
namespace {

using namespace std::chrono_literals;

/// Without data: it needs no serialize.
class Doubler : public WorkerInterface<int, long> {
 public:
  long process(const int& job) override { return 2L * job; }
};

/// Its data is made where it works.
class Adder : public WorkerInterface<int, int> {
 public:
  void initialize() override { offset_ = 100; }
  int process(const int& job) override { return offset_ + job; }

 private:
  int offset_ = 0;
};

/// Told by its constructor, and cannot carry it. With all that makes comparing bytes hard: an
/// address, text, padding, a member without a value, one that is another in each object.
class Forgetful : public WorkerInterface<int, int> {
 public:
  explicit Forgetful(int factor = 1, std::string name = "")
      : name_(std::move(name)), factor_(factor) {}
  int process(const int& job) override { return factor_ * job; }
  int handleError(const Error&, const int&) override { return -1; }

  bool isPadded = true;
  double unset;
  std::unique_ptr<int> buffer = std::make_unique<int>(5);
  std::chrono::steady_clock::time_point made = std::chrono::steady_clock::now();
  const Forgetful* self = this;
  std::map<int, int> counts;

 private:
  std::string name_;
  char mark_ = 'm';
  int factor_;
};

/// Says that it has nothing to carry.
class Empty : public WorkerInterface<int, int> {
 public:
  int process(const int& job) override { return job + offset; }
  template <class Archive>
  void serialize(Archive&, unsigned) {}

  int offset = 0;
};

/// Notes its life in a file, and fails for some jobs.
class Noter : public WorkerInterface<int, std::string> {
 public:
  Noter() = default;
  explicit Noter(std::string path) : path_(std::move(path)) {}

  void initialize() override { note("initialize"); }
  std::string process(const int& job) override {
    ++jobs_;
    if (job < 0) {
      throw std::domain_error("negative: " + std::to_string(job));
    }
    return "job " + std::to_string(job);
  }
  void shutdown() override { note(jobs_ > 0 ? "shutdown" : "shutdown without jobs"); }
  std::string handleError(const Error& error, const int& job) override {
    ++handled;
    lastMessage = error.what();
    return "handled " + std::to_string(job);
  }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& path_;
  }

  int handled = 0;
  std::string lastMessage;

 private:
  void note(const std::string& what) const {
    SharedFile::append(path_, what + " " + std::to_string(getpid()));
  }

  std::string path_;
  int jobs_ = 0;
};

/// Does as its jobs say.
class Faulty : public WorkerInterface<std::string, int> {
 public:
  Faulty() = default;
  explicit Faulty(std::string path, bool answers = false)
      : path_(std::move(path)), answers_(answers) {}

  void initialize() override {
    if (path_ == "refuse") {
      throw std::runtime_error("no model");
    }
  }
  int process(const std::string& job) override {
    if (job == "crash") {
      writeThroughNull();
    } else if (job == "hang") {
      pause();
    } else if (job == "throw") {
      throw std::runtime_error("bad job");
    }
    return static_cast<int>(job.size());
  }
  void shutdown() override {
    if (path_ == "late") {
      throw std::runtime_error("shutdown failed");
    }
    if (!path_.empty()) {
      SharedFile::append(path_, "shutdown");
    }
  }
  int handleError(const Error& error, const std::string& job) override {
    if (answers_) {
      return -1;
    }
    return WorkerInterface::handleError(error, job);
  }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& path_;
  }

 private:
  std::string path_;
  bool answers_ = false;
};

/// Notes each job that it begins, and fails for those that are asked for.
class Counting : public WorkerInterface<int, std::string> {
 public:
  Counting() = default;
  explicit Counting(std::string path) : path_(std::move(path)) {}

  std::string process(const int& job) override {
    SharedFile::append(path_, std::to_string(job));
    if (job % 10 == 7) {
      throw std::runtime_error("seven");
    }
    return std::string(static_cast<std::size_t>(job), '.');
  }
  std::string handleError(const Error&, const int& job) override { return std::to_string(job); }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& path_;
  }

 private:
  std::string path_;
};

class PoolProcessTest : public testing::Test {
 protected:
  ProcessPool pool_{3};
};

TEST_F(PoolProcessTest, GivesTheResultsInTheOrderOfTheJobs) {
  for (const int count : {0, 1, 9, 1000}) {
    std::vector<long> expected;
    for (int i = 0; i < count; ++i) {
      expected.push_back(2L * i);
    }
    EXPECT_EQ(pool_.process(numbersUpTo(count), Doubler()), expected);
    EXPECT_EQ(pool_.process(std::views::iota(0, count), Doubler()), expected);
  }
  const Doubler constant;
  EXPECT_EQ(pool_.process(std::vector{4}, constant), std::vector<long>{8});
}

TEST_F(PoolProcessTest, MakesAWorkerWithoutSerializeAfreshInEachProcess) {
  Adder adder;
  EXPECT_EQ(pool_.process(std::vector{1, 2}, adder), (std::vector{101, 102}));
  EXPECT_EQ(pool_.process(std::vector{1, 2}, adder), (std::vector{101, 102}));
}

TEST_F(PoolProcessTest, RefusesAWorkerWhoseDataWouldBeLost) {
  const std::vector jobs{1, 2};
  const auto refusal = [&](Forgetful worker) {
    return std::string(
        thrownBy<PortabilityError>([&] { (void)pool_.process(jobs, worker); }).what());
  };
  EXPECT_EQ(pool_.process(jobs, Forgetful()), jobs);
  EXPECT_NE(refusal(Forgetful(5)).find("Forgetful has no `serialize` member"), std::string::npos);
  refusal(Forgetful(1, "a name"));
  refusal(Forgetful(1, std::string(100, 'n')));
  Forgetful worker;
  worker.counts[1] = 2;
  EXPECT_THROW((void)pool_.process(jobs, worker), PortabilityError);
  worker.counts.clear();
  worker.unset = 4;
  EXPECT_EQ(pool_.process(jobs, worker), jobs) << "nobody can tell";
  worker.buffer.reset();
  EXPECT_EQ(pool_.process(jobs, worker), jobs) << "nobody can tell";
  worker.isPadded = false;
  EXPECT_THROW((void)pool_.process(jobs, worker), PortabilityError);
}

TEST_F(PoolProcessTest, AnEmptySerializeSaysThatNothingIsToBeCarried) {
  Empty worker;
  worker.offset = 7;
  EXPECT_EQ(pool_.process(std::vector{1, 2}, worker), (std::vector{1, 2}));
}

TEST_F(PoolProcessTest, InitializesAndShutsDownOnceInEachProcessThatGetsJobs) {
  const SharedFile file;
  Noter noter(file.path());
  for (int round = 1; round <= 2; ++round) {
    const auto results = pool_.process(numbersUpTo(1000), noter);
    EXPECT_EQ(results.at(999), "job 999");
    std::multiset<std::string> initialized;
    std::multiset<std::string> ended;
    for (const std::string& line : file.lines()) {
      const std::string pid = line.substr(line.rfind(' '));
      (line.starts_with("initialize") ? initialized : ended).insert(pid);
      EXPECT_EQ(line.find("without jobs"), std::string::npos);
    }
    EXPECT_EQ(initialized, ended);
    EXPECT_GE(initialized.size(), 1u);
    for (const std::string& pid : initialized) {
      EXPECT_LE(initialized.count(pid), static_cast<std::size_t>(round)) << "once an operation";
    }
  }
  EXPECT_EQ(noter.handled, 0);
}

TEST_F(PoolProcessTest, HandlesTheErrorsOfJobsInTheParentOnTheGivenObject) {
  const SharedFile file;
  Noter noter(file.path());
  const auto results = pool_.process(std::vector{1, -2, 3, -4, 5}, noter);
  EXPECT_EQ(results,
            (std::vector<std::string>{"job 1", "handled -2", "job 3", "handled -4", "job 5"}));
  EXPECT_EQ(noter.handled, 2);
  EXPECT_NE(noter.lastMessage.find("negative"), std::string::npos);
}

TEST_F(PoolProcessTest, ThrowsTheErrorWhereNobodyHandlesItAndShutsDownAllTheSame) {
  const SharedFile file;
  std::vector<std::string> jobs(100, "ab");
  jobs[50] = "throw";
  const auto error = thrownBy<TaskError>([&] { (void)pool_.process(jobs, Faulty(file.path())); });
  EXPECT_EQ(error.getItem(), 50u);
  EXPECT_EQ(error.getMessage(), "bad job");
  const auto lines = file.lines();
  EXPECT_GE(lines.size(), 1u);
  EXPECT_LE(lines.size(), 3u);
  EXPECT_EQ(pool_.process(std::vector{4}, Doubler()), std::vector<long>{8});
}

TEST_F(PoolProcessTest, AThrowingInitializeEndsTheOperationAndNamesNoJob) {
  const auto error = thrownBy<TaskError>([&] {
    (void)pool_.process(std::vector<std::string>(100, "ab"), Faulty("refuse", /*answers=*/true));
  });
  EXPECT_EQ(error.getMessage(), "no model");
  EXPECT_FALSE(error.getItem());
  EXPECT_EQ(pool_.process(std::vector{4}, Doubler()), std::vector<long>{8});
}

TEST_F(PoolProcessTest, AThrowingShutdownCostsNoResult) {
  EXPECT_EQ(pool_.process(std::vector<std::string>{"a", "ab"}, Faulty("late")),
            (std::vector{1, 2}));
  EXPECT_EQ(pool_.process(std::vector{4}, Doubler()), std::vector<long>{8});
}

TEST_F(PoolProcessTest, AJobThatThrowsHasNoOtherDoneAgain) {
  for (const int retries : {0, 2}) {
    for (const std::size_t chunkSize : {0, 50}) {
      const SharedFile file;
      ProcessPool pool({.workerCount = 2, .chunkSize = chunkSize, .retries = retries});
      const auto results = pool.process(numbersUpTo(100), Counting(file.path()));
      const auto lines = file.lines();
      const std::multiset<std::string> begun(lines.begin(), lines.end());
      for (int job = 0; job < 100; ++job) {
        const bool isBad = job % 10 == 7;
        const std::string name = std::to_string(job);
        EXPECT_EQ(results.at(static_cast<std::size_t>(job)),
                  isBad ? name : std::string(static_cast<std::size_t>(job), '.'));
        EXPECT_EQ(begun.count(name), isBad ? static_cast<std::size_t>(1 + retries) : 1u) << job;
      }
    }
  }
}

TEST_F(PoolProcessTest, IsNestedInACallback) {
  const auto lasts = pool_.map(std::vector{10, 20}, [](int n) {
    ProcessPool inner(2);
    return inner.process(std::views::iota(0, n), Doubler()).back();
  });
  EXPECT_EQ(lasts, (std::vector<long>{18, 38}));
}

TEST(WorkerProcessTest, HandlesCrashesAndJobsThatTakeTooLong) {
  ProcessPool pool(PoolOptions{.workerCount = 2, .timeout = 200ms});
  const SharedFile file;
  std::vector<std::string> jobs(50, "ab");
  jobs[10] = "crash";
  jobs[20] = "hang";
  jobs[30] = "throw";
  const auto results = pool.process(jobs, Faulty(file.path(), /*answers=*/true));
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ(results.at(i), i == 10 || i == 20 || i == 30 ? -1 : 2) << i;
  }
  EXPECT_GE(file.lines().size(), 1u);
}

TEST(WorkerProcessTest, ACrashThatNobodyHandlesIsThrown) {
  ProcessPool pool(2);
  const std::vector<std::string> jobs{"a", "crash", "c"};
  const auto lost = thrownBy<WorkerLost>([&] { (void)pool.process(jobs, Faulty()); });
  EXPECT_EQ(lost.getItem(), 1u);
  EXPECT_EQ(lost.getSignal(), SIGSEGV);
  EXPECT_EQ(pool.process(std::vector{4}, Doubler()), std::vector<long>{8});
}

class Sleeper : public WorkerInterface<int, int> {
 public:
  int process(const int& job) override { return job; }
  void shutdown() override { pause(); }
};

TEST(WorkerProcessTest, AShutdownThatHangsIsEndedByTheTimeLimit) {
  ProcessPool pool(PoolOptions{.workerCount = 2, .timeout = 100ms});
  EXPECT_EQ(pool.process(std::vector{1, 2, 3}, Sleeper()), (std::vector{1, 2, 3}));
  EXPECT_EQ(pool.process(std::vector{4}, Doubler()), std::vector<long>{8});
}

}  // namespace
}  // namespace procession::test
