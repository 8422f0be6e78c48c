#include <csignal>
#include <string>
#include <utility>

#include "fuzz/fuzz.hpp"
#include "fuzz/no_agent.hpp"
#include "fuzz/rank_message_input.hpp"
#include "process/remote_attempt.hpp"
#include "support/fake_ranks.hpp"

// What an agent answers to the parent about the process of a task.

using namespace procession::detail;  // NOLINT: a program of one function

namespace {

procession::test::FakeRanks& ranks() {
  static procession::test::FakeRanks& started = [&]() -> auto& {
    offerRanks([]() -> std::unique_ptr<Ranks> {
      return std::make_unique<procession::test::FakeRanks>(std::vector<int>{1, 1});
    });
    startRanks();
    openMailRoom(*activeRanks(), std::make_unique<procession::test::NoAgent>());
    return dynamic_cast<procession::test::FakeRanks&>(*activeRanks());
  }();
  return started;
}

void answer(std::uint32_t number, RankMessage message) {
  message.rank = 1;
  message.header.pool = number;
  ranks().arriving.push_back(std::move(message));
  procession::test::mayBeMalformed([] { mailRoom()->serve(); });
}

/// Whoever asks is answered, whatever came.
void lookAt(const RemoteAttempt& attempt) {
  static_cast<void>(attempt.getPid());
  static_cast<void>(attempt.getMessage());
  static_cast<void>(attempt.getStatus().describe());
  static_cast<void>(attempt.getOrigin());
  if (const auto refusal = attempt.getRefusal()) {
    static_cast<void>(std::string(refusal->what()));
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  procession::test::FuzzInput input(data, size);
  ranks().sent.clear();
  RemoteAttempt attempt(*mailRoom(), 1, std::make_shared<const HeapPayload>());
  const std::uint32_t number = ranks().sent.back().header.pool;
  while (!input.isEmpty() && !attempt.takeIn()) {
    const std::uint8_t what = input.takeByte();
    const auto kind =
        static_cast<std::uint32_t>(RankMessageKind::TaskStarted) + std::uint32_t{what} % 4;
    RankMessage message =
        procession::test::takeRankMessage(input, static_cast<RankMessageKind>(kind));
    message.header.value = what < 128 ? what / 4 : -what;
    answer(number, std::move(message));
    lookAt(attempt);
  }
  if (!attempt.takeIn()) {  // its end would wait for that of the process
    answer(number, {.header = {.kind = RankMessageKind::TaskEnded, .first = CLD_EXITED}});
  }
  lookAt(attempt);
  return 0;
}
