#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "backend/backend.hpp"
#include "pool/agent_operation.hpp"

namespace procession::test {

/// One worker, number 0, that keeps what it is sent; what happens to it, the test says.
class ScriptedBackend final : public detail::Backend {
 public:
  struct Sent {
    int worker = 0;
    detail::Chunk chunk;
    std::vector<std::byte> items;
  };
  using Event = std::function<void(detail::BackendEvents&)>;

  [[nodiscard]] int workerCount() const override { return 1; }
  void begin(const detail::OperationSetup&, detail::BackendEvents& events) override {
    events.workerReady(0, 1);
  }
  void send(int worker, const detail::Chunk& chunk, const Encoder& encode) override {
    detail::HeapPayload items;
    encode(items, chunk.first, chunk.count);
    const detail::ByteView bytes = items.view();
    sent.push_back({worker, chunk, {bytes.begin(), bytes.end()}});
  }
  void recall(int worker, std::uint64_t chunk, detail::BackendEvents& events) override {
    events.recallAnswered(worker, chunk, false);
  }
  void stop() override {}
  void signal(int, int) override {}
  [[nodiscard]] std::optional<std::uint64_t> currentItem(int) const override { return {}; }
  void wait(std::optional<detail::Time>, int, detail::BackendEvents& events) override {
    if (!next.empty()) {
      const Event event = std::move(next.front());
      next.pop_front();
      event(events);
    }
  }
  void end(int) override {}
  void shutdown(detail::Time) override {}

  std::vector<Sent> sent;
  std::deque<Event> next;  // each of a wait()
};

/// Nobody hears what an agent answers.
class SilentPort final : public detail::AgentPort {
 public:
  void answer(const detail::RankHeader&, std::shared_ptr<const detail::HeapPayload>) override {}
  [[nodiscard]] std::size_t unsentBytes() const override { return 0; }
};

}  // namespace procession::test
