#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>

#include "backend/backend.hpp"
#include "backend/operation_plan.hpp"
#include "backend/rank_message.hpp"
#include "pool/chunk_driver.hpp"
#include "procession/detail/backend/merger.hpp"
#include "scheduler/chunk_relay.hpp"

namespace procession::detail {

/// The way from an agent to the parent.
class AgentPort {
 public:
  virtual ~AgentPort() = default;
  virtual void answer(const RankHeader& header,
                      std::shared_ptr<const HeapPayload> payload = nullptr) = 0;
  /// Results of a run of items before their chunk is answered, by a way that is shorter; false
  /// where there is none.
  virtual bool deliver(const RankHeader& /*run*/, ByteView /*results*/) { return false; }
  /// Bytes of answers that are still on their way.
  [[nodiscard]] virtual std::size_t unsentBytes() const = 0;
};

/// Answers with an error, by a message of that kind.
void answerError(AgentPort& port, RankHeader header, RankMessageKind kind,
                 const std::exception_ptr& error);

/// An agent's part in one operation: has its workers do the parent's chunks, and sends back what
/// they bring. What of them is passed on when, its ChunkRelay decides.
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
  /// The workers are ready for the next one. Only when all chunks are answered.
  void end();
  /// After stop(): no worker has anything of it, and the parent knows of every item that failed.
  [[nodiscard]] bool hasLeft() const { return isBroken_ || driver_.isFinished(); }
  void step(std::optional<Time> until, int wakeUp);
  [[nodiscard]] std::uint64_t eventCount() const { return driver_.eventCount(); }
  /// All of them have something to do.
  [[nodiscard]] bool areWorkersBusy() const {
    return driver_.scheduler().chunksInFlight() > 0 && driver_.scheduler().idleWorkers() == 0;
  }

 private:
  /// A chunk of the parent's.
  struct Received {
    RankMessage message;
    ByteView items;                       // in the message
    const std::uint64_t* ends = nullptr;  // of each item in `items`, where they are not raw
    std::shared_ptr<HeapPayload> results;
    std::uint64_t done = 0;  // items

    [[nodiscard]] std::uint64_t first() const { return message.header.first; }
    [[nodiscard]] std::uint64_t end() const { return message.header.first + message.header.count; }
    [[nodiscard]] Chunk chunk() const {
      return {message.header.chunk, message.header.first, message.header.count};
    }
  };

  void encodeItems(PayloadWriter& writer, std::uint64_t first, std::uint64_t count) override;
  void accept(std::uint64_t first, std::uint64_t count, Time busy, ByteView results) override;
  void handedOut(const Chunk& chunk) override;
  void attemptFailed(std::uint64_t item, const std::exception_ptr& error, Time took) override;
  void itemFailed(std::uint64_t item, const std::exception_ptr& error) override;
  void failed(const std::exception_ptr& error) override;
  [[nodiscard]] int stopDescriptor() const override { return stopDescriptor_; }
  void stopHeard() override;
  [[nodiscard]] std::size_t waitingBytes() const override { return port_.unsentBytes(); }

  void traced(const TraceRecord& record) override;

  void requireNew(const Received& received) const;
  void findItems(Received& received) const;
  bool deliver(std::uint64_t first, std::uint64_t count, ByteView results);
  void answerParent();
  /// Ahead of answers, so that the parent has it all when its operation is over.
  void sendTrace();
  void finish(const ChunkRelay::Answer& done);
  void abort(Received& received);
  void abortAll();
  Received* findChunkOf(std::uint64_t item);
  [[nodiscard]] RankHeader answerTo(const RankMessage& message, RankMessageKind kind) const;

  RankMessage begin_;
  OperationPlan plan_;
  AgentPort& port_;
  int stopDescriptor_;
  ChunkDriver driver_;
  ChunkRelay relay_;
  std::unique_ptr<Merger> merger_;            // of reductions
  std::map<std::uint64_t, Received> chunks_;  // that the parent waits for, by id
  std::shared_ptr<HeapPayload> trace_;        // what is to be sent of it; null: nothing
  bool isBroken_ = false;                     // there are no workers
  bool isStopped_ = false;                    // by the parent, which wants all chunks back
};

}  // namespace procession::detail
