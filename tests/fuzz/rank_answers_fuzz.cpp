#include <utility>

#include "backend/agents_backend.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/no_agent.hpp"
#include "fuzz/rank_message_input.hpp"
#include "pool/chunk_driver.hpp"
#include "support/fake_ranks.hpp"

// What agents answer to the parent, who hands chunks out and takes them back meanwhile.

using namespace procession::detail;  // NOLINT: a program of one function

namespace {

/// Whatever becomes of items is right.
class AnyOwner final : public ChunkDriver::Owner {
 public:
  void encodeItems(PayloadWriter& writer, std::uint64_t, std::uint64_t count) override {
    writer.claim(count);
  }
  void accept(std::uint64_t, std::uint64_t, Time, ByteView) override {}
  void itemFailed(std::uint64_t, const std::exception_ptr&) override {}
  void failed(const std::exception_ptr&) override {}
  [[nodiscard]] int stopDescriptor() const override { return -1; }
  void stopHeard() override {}
};

OperationPlan planOf(std::uint8_t choices) {
  OperationPlan plan;
  plan.shape.items = 200;
  plan.shape.itemBytes = 1;
  plan.shape.rawItems = true;
  plan.shape.wholeNodes = (choices & 1) != 0;
  plan.settles = (choices & 2) != 0;
  plan.tellsAttempts = plan.settles;
  plan.chunkSize = choices >> 2;
  return plan;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  procession::test::FuzzInput input(data, size);
  procession::test::FakeRanks ranks({0, 1, 2});
  MailRoom room(ranks, std::make_unique<procession::test::NoAgent>());
  AgentsBackend backend(room, 3);
  AnyOwner owner;
  ChunkDriver driver(backend, owner, planOf(input.takeByte()), false);
  auto setup = std::make_shared<HeapPayload>();
  setup->claim(sizeof(OperationPlan));
  driver.begin(1, setup);
  driver.addItems(0, driver.plan().shape.items);
  driver.closeItems();
  try {
    while (!input.isEmpty() && !driver.isFinished()) {
      const std::uint8_t what = input.takeByte();
      const auto kind =
          static_cast<std::uint32_t>(RankMessageKind::Done) + static_cast<std::uint32_t>(what % 12);
      RankMessage message =
          procession::test::takeRankMessage(input, static_cast<RankMessageKind>(kind));
      message.rank = what < 128 ? 1 : 2;
      message.header.pool = 1;
      message.header.value = (what & 64) != 0 ? 1 : 0;
      ranks.arriving.push_back(std::move(message));
      driver.step(Time(1), -1);
    }
  } catch (const procession::Error&) {
    // A malformed message, or the error that a good one brought.
  }
  return 0;
}
