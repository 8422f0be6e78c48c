#include "backend/fork_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backend/operation_runner.hpp"
#include "pool/pool_test_support.hpp"
#include "procession/detail/wire/codec.hpp"

namespace procession::detail {
namespace {

using testing::ElementsAre;

/// Answers with the first item's index.
class FirstItemKernel final : public Kernel {
 public:
  explicit FirstItemKernel(PayloadReader&) {}
  std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView, PayloadWriter& results,
                    ItemProgress) override {
    results.writeWord(first);
    return count;
  }
};

/// The same, when it was let pass a gate.
class GatedKernel final : public Kernel {
 public:
  explicit GatedKernel(PayloadReader& setup) : gate_(decode<std::string>(setup)) {}
  std::uint64_t run(std::uint64_t first, std::uint64_t count, ByteView, PayloadWriter& results,
                    ItemProgress progress) override {
    if (!progress.enter(first)) {
      return 0;
    }
    test::Gate::pass(gate_);
    results.writeWord(first);
    return count;
  }

 private:
  std::string gate_;
};

/// Forks, and may keep to itself that it did: fork servers may tell it later than the worker tells
/// what it has done.
class SecretiveSpawner final : public Spawner {
 public:
  void start(int worker, FileDescriptor channel, const FileDescriptor& arena) override {
    real_->start(worker, std::move(channel), arena);
  }
  void signal(int worker, int signal) override { real_->signal(worker, signal); }
  [[nodiscard]] int descriptor() const override { return real_->descriptor(); }
  std::vector<Report> takeReports() override {
    std::vector<Report> reports = real_->takeReports();
    std::erase_if(reports, [&](const Report& report) {
      const bool isStart = report.type == Report::Type::Started;
      started = isStart ? report.pid : started;
      return isStart && keepsStarts;
    });
    return reports;
  }

  bool keepsStarts = false;
  pid_t started = 0;

 private:
  std::unique_ptr<Spawner> real_ = makeDirectSpawner();
};

/// Keeps what a backend tells.
class Record final : public BackendEvents {
 public:
  explicit Record(const Backend& backend) : backend_(backend) {}
  void workerReady(int worker, int) override { ready.push_back(worker); }
  void chunkDone(int worker, std::uint64_t chunk, Time, ByteView results) override {
    processes.push_back(backend_.spanOf(worker, chunk).process);
    PayloadReader reader(results);
    done.emplace_back(chunk, reader.readWord());
  }
  void partDone(int, std::uint64_t, std::uint64_t, Time, ByteView) override {
    FAIL() << "all is done at once here";
  }
  void chunkThrew(int, std::uint64_t, std::uint64_t, Time, std::vector<ExceptionInfo>,
                  Origin) override {
    FAIL() << "nothing throws here";
  }
  void chunkAborted(int, std::uint64_t, std::uint64_t) override {
    FAIL() << "nothing is stopped here";
  }
  void recallAnswered(int, std::uint64_t, bool recalled) override { recalls.push_back(recalled); }
  void shortened(int, std::uint64_t, std::uint64_t) override { FAIL() << "nothing is cut here"; }
  void workerLost(int, std::optional<std::uint64_t>, Time, ProcessStatus status, Origin) override {
    FAIL() << "the worker " << status.describe();
  }

  std::vector<int> ready;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> done;  // chunk, first item
  std::vector<pid_t> processes;                               // of `done`
  std::vector<bool> recalls;

 private:
  const Backend& backend_;
};

class ForkBackendTest : public testing::Test {
 protected:
  ~ForkBackendTest() override { backend_.shutdown(std::chrono::seconds(30)); }

  void begin(std::uint64_t operation) {
    setup_ = std::make_unique<HeapPayload>();
    writeFactory(*setup_, &makeKernel<FirstItemKernel>);
    backend_.begin({.id = operation, .bytes = setup_->view()}, record_);
  }
  void send(const Chunk& chunk) {
    backend_.send(0, chunk, [](PayloadWriter&, std::uint64_t, std::uint64_t) {});
  }
  void waitForDone(std::size_t count) {
    const Time until = steadyNow() + std::chrono::seconds(30);
    while (record_.done.size() < count && steadyNow() < until) {
      backend_.wait(until, -1, record_);
    }
  }

  SecretiveSpawner* spawner_ = new SecretiveSpawner;  // the backend's
  ForkBackend backend_{1, std::unique_ptr<Spawner>(spawner_)};
  Record record_{backend_};
  std::unique_ptr<HeapPayload> setup_;
};

TEST_F(ForkBackendTest, ChunkThatWasTakenBackDoesNotRunInPlaceOfALaterOneOfTheSameNumber) {
  begin(1);
  send({.id = 1, .first = 10, .count = 1});
  backend_.recall(0, 1, record_);
  backend_.end(-1);
  begin(2);
  send({.id = 1, .first = 20, .count = 1});  // numbers start anew in each operation
  waitForDone(1);
  backend_.end(-1);

  EXPECT_THAT(record_.recalls, ElementsAre(true));
  EXPECT_THAT(record_.done, ElementsAre(std::pair<std::uint64_t, std::uint64_t>(1, 20)));
}

TEST_F(ForkBackendTest, ANodeOfAReductionThatWasBegunIsNotCut) {
  test::Gate gate;
  setup_ = std::make_unique<HeapPayload>();
  writeFactory(*setup_, &makeKernel<GatedKernel>);
  encode(*setup_, gate.path());
  OperationSetup setup{.id = 1, .bytes = setup_->view()};
  setup.plan.shape.wholeNodes = true;
  backend_.begin(setup, record_);
  send({1, 0, 4});
  backend_.wait(steadyNow(), -1, record_);  // sends
  gate.awaitArrivals(1);
  backend_.recall(0, 1, record_);
  EXPECT_THAT(record_.recalls, ElementsAre(false));
  gate.letPass(1);
  waitForDone(1);
  EXPECT_THAT(record_.done, ElementsAre(std::pair(1, 0)));
}

TEST_F(ForkBackendTest, AnswersToSeveralChunksComeBackWithTheirNumbers) {
  begin(1);
  send({.id = 1, .first = 10, .count = 1});
  send({.id = 2, .first = 11, .count = 1});
  waitForDone(2);
  backend_.end(-1);

  EXPECT_THAT(record_.done, ElementsAre(std::pair<std::uint64_t, std::uint64_t>(1, 10),
                                        std::pair<std::uint64_t, std::uint64_t>(2, 11)));
}

TEST_F(ForkBackendTest, AChunkThatIsDoneBeforeTheStartOfItsWorkerIsToldNamesItsProcess) {
  spawner_->keepsStarts = true;
  begin(1);
  send({.id = 1, .first = 10, .count = 1});
  waitForDone(1);
  backend_.end(-1);

  ASSERT_THAT(record_.processes, ElementsAre(testing::Gt(0)));
  EXPECT_EQ(record_.processes.front(), spawner_->started);
}

}  // namespace
}  // namespace procession::detail
