#include "pool/agent_operation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <numeric>
#include <vector>

#include "procession/detail/wire/codec.hpp"
#include "support/scripted_backend.hpp"

// What an agent hands to its workers of its parent's chunks.

namespace procession::detail {
namespace {

using test::ScriptedBackend;
using testing::ElementsAreArray;

std::vector<int> numbers(std::uint64_t first, std::uint64_t count) {
  std::vector<int> numbers(count);
  std::iota(numbers.begin(), numbers.end(), static_cast<int>(first));
  return numbers;
}

std::vector<int> itemsOf(const ScriptedBackend::Sent& sent) {
  std::vector<int> items(sent.items.size() / sizeof(int));
  std::memcpy(items.data(), sent.items.data(), items.size() * sizeof(int));
  return items;
}

/// Items are numbers, each its own index; raw, or with a table of where each ends.
class AgentOperationTest : public testing::TestWithParam<bool> {
 protected:
  AgentOperationTest() {
    plan_.shape.items = 1000;
    plan_.shape.itemBytes = sizeof(int);
    plan_.shape.rawItems = GetParam();
    plan_.retries = 1;
  }

  [[nodiscard]] RankMessage begin() const {
    auto payload = std::make_shared<HeapPayload>();
    encode(*payload, plan_);
    return {.header = {.kind = RankMessageKind::Begin, .operation = 1}, .payload = payload};
  }

  [[nodiscard]] RankMessage chunk(std::uint64_t first, std::uint64_t count) {
    auto payload = std::make_shared<HeapPayload>();
    if (!plan_.shape.rawItems) {
      for (std::uint64_t end = 1; end <= count; ++end) {
        payload->writeWord(end * sizeof(int));
      }
    }
    const std::vector<int> items = numbers(first, count);
    payload->write(items.data(), items.size() * sizeof(int));
    return {.header = {.kind = RankMessageKind::Run,
                       .operation = 1,
                       .chunk = ++lastChunk_,
                       .first = first,
                       .count = count,
                       .length = payload->size()},
            .payload = payload};
  }

  OperationPlan plan_;
  ScriptedBackend backend_;
  test::SilentPort port_;
  std::uint64_t lastChunk_ = 0;
};

INSTANTIATE_TEST_SUITE_P(, AgentOperationTest, testing::Bool(),
                         [](const auto& isRaw) { return isRaw.param ? "Raw" : "WithEnds"; });

TEST_P(AgentOperationTest, AWorkersChunkHasItsItemsInOrderAlthoughTheParentsChunksCameInAnother) {
  AgentOperation operation(backend_, begin(), port_, -1);
  std::size_t answered = 0;
  const auto step = [&](const ScriptedBackend::Event& event) {
    backend_.next.push_back(event);
    operation.step(std::nullopt, -1);
  };
  const auto done = [&](BackendEvents& events) {
    const ScriptedBackend::Sent& sent = backend_.sent.at(answered++);
    events.chunkDone(sent.worker, sent.chunk.id, std::chrono::microseconds(1), {});
  };
  operation.run(chunk(100, 1));
  step(done);  // and items turn out to be cheap
  operation.run(chunk(16, 4));
  step([](BackendEvents&) {});
  ASSERT_THAT(itemsOf(backend_.sent.at(answered)), ElementsAreArray(numbers(16, 4)));
  operation.run(chunk(0, 16));
  step([&](BackendEvents& events) {  // what is not tried yet is joined with what is in front of it
    Origin origin;
    origin.item = 19;
    events.workerLost(0, backend_.sent.at(answered).chunk.id, Time(0),
                      ProcessStatus::signaled(SIGKILL), origin);
    events.workerReady(1, 1);
  });
  backend_.sent.clear();
  answered = 0;
  do {
    step(done);
  } while (answered < backend_.sent.size());

  std::uint64_t next = 0;
  bool liesInBoth = false;
  for (const ScriptedBackend::Sent& sent : backend_.sent) {
    EXPECT_EQ(sent.chunk.first, next);
    EXPECT_THAT(itemsOf(sent), ElementsAreArray(numbers(sent.chunk.first, sent.chunk.count)));
    next = sent.chunk.end();
    liesInBoth = liesInBoth || (sent.chunk.first < 16 && sent.chunk.end() > 16);
  }
  EXPECT_EQ(next, 20u);
  EXPECT_TRUE(liesInBoth) << "no chunk lies in two of the parent's";
}

TEST_P(AgentOperationTest, RefusesAChunkThatCannotBe) {
  AgentOperation operation(backend_, begin(), port_, -1);
  operation.run(chunk(10, 5));
  EXPECT_THROW(operation.run(chunk(990, 20)), PayloadError) << "behind the last item";
  EXPECT_THROW(operation.run(chunk(20, 0)), PayloadError);
  EXPECT_THROW(operation.run(chunk(14, 2)), PayloadError) << "one of them is here";
  RankMessage again = chunk(20, 2);
  again.header.chunk = 1;
  EXPECT_THROW(operation.run(again), PayloadError) << "under the number of another";
  RankMessage cut = chunk(20, 2);
  cut.header.count = 100;
  EXPECT_THROW(operation.run(cut), PayloadError) << "with too few bytes";
  RankMessage huge = chunk(20, 2);
  huge.header.count = std::uint64_t{1} << 62;
  EXPECT_THROW(operation.run(huge), PayloadError);
  operation.run(chunk(20, 2));
}

}  // namespace
}  // namespace procession::detail
