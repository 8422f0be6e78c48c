#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include "backend/backend.hpp"
#include "backend/operation_plan.hpp"
#include "backend/rank_message.hpp"
#include "pool/chunk_driver.hpp"
#include "procession/detail/backend/merger.hpp"

namespace procession::detail {

/// The way from an agent to the parent.
class AgentPort {
 public:
  virtual ~AgentPort() = default;
  virtual void answer(const RankHeader& header,
                      std::shared_ptr<const HeapPayload> payload = nullptr) = 0;
  /// Bytes of answers that are still on their way.
  [[nodiscard]] virtual std::size_t unsentBytes() const = 0;
};

/// Answers with an error, by a message of that kind.
void answerError(AgentPort& port, RankHeader header, RankMessageKind kind,
                 const std::exception_ptr& error);

/// An agent's part in one operation: has its workers do the parent's chunks, and sends back what
/// they bring.
///
/// It keeps the parent's next chunk to itself until its workers need it, so that it can give it
/// back. A worker's chunk may lie in two of the parent's.
class AgentOperation final : private ChunkDriver::Owner {
 public:
  /// `begin`: the Begin message. `stopDescriptor` is readable when this rank was told to stop.
  /// Throws PayloadError.
  AgentOperation(Backend& backend, RankMessage begin, AgentPort& port, int stopDescriptor);

  [[nodiscard]] std::uint64_t id() const { return begin_.header.operation; }
  void run(RankMessage message);
  void recall(std::uint64_t chunk);
  /// Leaves what is under way.
  void stop();
  void signalWorkers(int signal) { driver_.endWorkers(signal); }
  /// The workers are ready for the next one. Only when isIdle().
  void end();
  /// No worker has anything of it.
  [[nodiscard]] bool isIdle() const { return isBroken_ || driver_.isIdle(); }
  void step(std::optional<Time> until, int wakeUp);
  [[nodiscard]] std::uint64_t eventCount() const { return driver_.eventCount(); }

 private:
  /// A chunk of the parent's.
  struct Received {
    RankMessage message;
    ByteView items;                       // in the message
    const std::uint64_t* ends = nullptr;  // of each item in `items`, where they are not raw
    std::uint64_t toPassOn = 0;
    std::uint64_t toDo = 0;
    Time busy{0};
    std::shared_ptr<HeapPayload> results;

    [[nodiscard]] std::uint64_t first() const { return message.header.first; }
    [[nodiscard]] std::uint64_t end() const { return message.header.first + message.header.count; }
  };

  void encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) override;
  void accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) override;
  void handedOut(const Chunk& chunk) override;
  void itemFailed(std::uint64_t item, const std::exception_ptr& error) override;
  void failed(const std::exception_ptr& error) override;
  void listenForStop() override;
  [[nodiscard]] std::size_t waitingBytes() const override { return port_.unsentBytes(); }

  void feed();
  void credit(std::uint64_t first, std::uint64_t count, Time busy);
  void finish(Received& received);
  void abortAll();
  Received* findChunkOf(std::uint64_t item);
  [[nodiscard]] RankHeader answerTo(const RankMessage& message, RankMessageKind kind) const;

  RankMessage begin_;
  OperationPlan plan_;
  ByteView setup_;  // in begin_
  AgentPort& port_;
  int stopDescriptor_;
  ChunkDriver driver_;
  std::unique_ptr<Merger> merger_;  // of reductions
  std::deque<Received> kept_;       // not passed on yet
  std::vector<Received> received_;  // passed on, not done
  bool isBroken_ = false;           // there are no workers
  bool isStopped_ = false;          // by the parent, which wants all chunks back
};

}  // namespace procession::detail
