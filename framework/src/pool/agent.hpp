#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "backend/backend.hpp"
#include "backend/local_agent.hpp"
#include "backend/ranks.hpp"
#include "pool/agent_operation.hpp"
#include "pool/agent_tasks.hpp"

namespace procession::detail {

/// A rank's worker processes in the parent's service: does what the parent's messages ask for, pool
/// by pool, operation by operation, and task by task. To the parent it is a worker, to its workers
/// a parent.
class Agent {
 public:
  /// `stopDescriptor` is readable when this rank was told to stop; -1: somebody else looks.
  Agent(AgentPort& port, int stopDescriptor)
      : port_(port), stopDescriptor_(stopDescriptor), tasks_(port) {}
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  void handle(RankMessage message);
  /// Does what can be done, and waits for workers, at most until `until` or until `wakeUp` is
  /// readable. True when anything happened.
  bool step(Time until, int wakeUp);
  /// Readable (poll) when the process of a task has something to tell; -1 while there is none.
  [[nodiscard]] int taskDescriptor() const { return tasks_.descriptor(); }
  /// Every worker of a pool has something to do.
  [[nodiscard]] bool areWorkersBusy() const;
  /// Has an operation or a task.
  [[nodiscard]] bool isActive() const;

 private:
  struct Pool {
    std::unique_ptr<Backend> backend;  // null when no worker could be started
    std::unique_ptr<AgentOperation> operation;
  };

  void open(const RankHeader& header);
  void begin(RankMessage message);
  static void endOperation(Pool& pool);
  void answerEnd(RankHeader header);
  static void close(Pool& pool);

  AgentPort& port_;
  int stopDescriptor_;
  std::map<std::uint32_t, Pool> pools_;  // by the parent's number
  AgentTasks tasks_;
};

/// The agent of the parent's own rank. Its answers wait in a queue.
class ParentsAgent final : public LocalAgent, private AgentPort {
 public:
  ParentsAgent() : agent_(*this, -1) {}

  void handle(RankMessage message) override { agent_.handle(std::move(message)); }
  bool step(Time until, int wakeUp, const TakeResults& take) override;
  [[nodiscard]] bool areWorkersBusy() const override { return agent_.areWorkersBusy(); }
  [[nodiscard]] int taskDescriptor() const override { return agent_.taskDescriptor(); }
  std::optional<RankMessage> takeAnswer() override;

 private:
  void answer(const RankHeader& header, std::shared_ptr<const HeapPayload> payload) override;
  bool deliver(const RankHeader& run, ByteView results) override;
  [[nodiscard]] std::size_t unsentBytes() const override { return 0; }

  std::deque<RankMessage> answers_;
  const TakeResults* take_ = nullptr;  // in step() only
  Agent agent_;
};

/// What every rank but the parent's does: serves until the parent says that the job is over. Throws
/// MpiError.
void serveParent(Ranks& ranks);

}  // namespace procession::detail
