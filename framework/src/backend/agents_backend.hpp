#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "backend/attention.hpp"
#include "backend/backend.hpp"
#include "backend/mail_room.hpp"

namespace procession::detail {

/// The workers of all ranks of a job, behind one agent a rank: to the scheduler an agent is a
/// worker of a larger capacity. The parent's own rank has an agent too, which is called instead of
/// sent to.
class AgentsBackend final : public Backend {
 public:
  /// `workerCount` processes, spread over the ranks by their cores; 0: one a core.
  AgentsBackend(MailRoom& room, int workerCount);
  ~AgentsBackend() override;

  [[nodiscard]] int workerCount() const override { return workerCount_; }
  [[nodiscard]] int capacity() const override { return largestCapacity_; }
  [[nodiscard]] bool isOfAgents() const override { return true; }
  void begin(const OperationSetup& setup, BackendEvents& events) override;
  void send(int worker, const Chunk& chunk, const Encoder& encode) override;
  void recall(int worker, std::uint64_t chunk, BackendEvents& events) override;
  void stop() override;
  void signal(int worker, int signal) override;
  [[nodiscard]] std::optional<std::uint64_t> currentItem(int) const override {
    return std::nullopt;
  }
  void wait(std::optional<Time> until, int wakeUp, BackendEvents& events) override;
  void end(int wakeUp) override;
  void shutdown(Time grace) override;

 private:
  struct AgentState {
    int capacity = 0;  // worker processes; 0: the rank has no part in this pool
    int chunks = 0;    // in flight
  };
  struct Inbox final : MailRoom::Addressee {
    void take(RankMessage message) override { messages.push_back(std::move(message)); }
    std::deque<RankMessage> messages;
  };

  [[nodiscard]] AgentState& agent(int rank) { return agents_[static_cast<std::size_t>(rank)]; }
  void tellAll(RankMessageKind kind, std::shared_ptr<const HeapPayload> payload = nullptr,
               int value = 0);
  [[nodiscard]] RankHeader headerOf(RankMessageKind kind) const;
  [[nodiscard]] std::shared_ptr<const HeapPayload> itemsOf(const Chunk& chunk,
                                                           const Encoder& encode) const;
  void waitForEvents(std::optional<Time> until, int wakeUp, BackendEvents& events);
  void abandon();
  void letSendsArrive();
  bool dispatchAll(BackendEvents& events);
  void dispatch(const RankMessage& message, BackendEvents& events);
  void takeAnswer(const RankMessage& message, BackendEvents& events);
  void requireItem(const RankMessage& message) const;
  [[nodiscard]] PayloadError malformed(const RankMessage& message, const std::string& what) const;
  void acceptRuns(const RankMessage& message, BackendEvents& events) const;
  void addChunks(int rank, int count);
  void awaitEnds(int wakeUp);

  MailRoom& room_;
  Ranks& ranks_;
  std::shared_ptr<Inbox> inbox_;
  std::uint32_t number_;            // of the pool
  std::vector<AgentState> agents_;  // by rank
  int workerCount_ = 0;
  int largestCapacity_ = 1;
  OperationSetup setup_;  // id 0: between operations
  RankTraffic trafficBefore_;
  bool isOpen_ = true;
  std::exception_ptr broken_;  // why it is of no use any more: a rank without workers, mostly
};

}  // namespace procession::detail
