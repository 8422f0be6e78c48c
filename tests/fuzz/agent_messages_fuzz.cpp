#include <csignal>
#include <utility>

#include "fuzz/fuzz.hpp"
#include "fuzz/rank_message_input.hpp"
#include "pool/agent_operation.hpp"
#include "procession/detail/wire/codec.hpp"
#include "support/scripted_backend.hpp"

// What the parent sends to an agent in the course of an operation, while the agent's worker does
// its chunks, or dies on them.

using namespace procession::detail;  // NOLINT: a program of one function

namespace {

RankMessage beginOf(procession::test::FuzzInput& input) {
  const std::uint8_t choices = input.takeByte();
  OperationPlan plan;
  plan.shape.items = 256;
  plan.shape.itemBytes = choices % 3 * 4;
  plan.shape.rawItems = (choices & 4) != 0;
  plan.settles = (choices & 8) != 0;
  plan.retries = (choices & 16) != 0 ? 1 : 0;
  auto payload = std::make_shared<HeapPayload>();
  encode(*payload, plan);
  return {.header = {.kind = RankMessageKind::Begin, .operation = 1}, .payload = payload};
}

/// The chunk that the worker has had longest is done, or it died of its first item.
void finishOne(procession::test::ScriptedBackend& backend, BackendEvents& events, bool dies) {
  if (backend.sent.empty()) {
    return;
  }
  const procession::test::ScriptedBackend::Sent sent = backend.sent.front();
  if (!dies) {
    backend.sent.erase(backend.sent.begin());
    events.chunkDone(sent.worker, sent.chunk.id, std::chrono::microseconds(1), {});
    return;
  }
  backend.sent.clear();
  procession::Origin origin;
  origin.item = sent.chunk.first;
  events.workerLost(sent.worker, sent.chunk.id, Time(0),
                    procession::ProcessStatus::signaled(SIGKILL), origin);
  events.workerReady(sent.worker + 1, 1);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  procession::test::FuzzInput input(data, size);
  procession::test::ScriptedBackend backend;
  procession::test::SilentPort port;
  AgentOperation operation(backend, beginOf(input), port, -1);
  procession::test::mayBeMalformed([&] {
    while (!input.isEmpty() && !operation.hasLeft()) {
      const std::uint8_t what = input.takeByte();
      switch (what % 6) {
        case 0:
        case 1:
          operation.run(procession::test::takeRankMessage(input, RankMessageKind::Run));
          break;
        case 2:
          operation.recall(input.takeByte());
          break;
        case 3:
          if ((what & 128) != 0) {
            operation.stop();
          }
          break;
        default:
          backend.next.push_back(
              [&](BackendEvents& events) { finishOne(backend, events, (what & 128) != 0); });
      }
      operation.step(Time(0), -1);
    }
  });
  return 0;
}
