#pragma once

#include <poll.h>

#include <memory>
#include <vector>

#include "backend/backend.hpp"
#include "backend/forked_worker.hpp"
#include "backend/spawner.hpp"

namespace procession::detail {

/// Workers of this machine: forked processes, each with a channel (socket pair) and an arena of
/// shared memory. A worker that dies is replaced.
class ForkBackend final : public Backend {
 public:
  /// Asks for the workers; they may still be starting when the first chunks are sent. Takes as many
  /// as descriptors allow, at least one, or throws SystemError.
  ForkBackend(int workerCount, std::unique_ptr<Spawner> spawner);

  [[nodiscard]] int workerCount() const override;
  void begin(const OperationSetup& setup, BackendEvents& events) override;
  void send(int index, const Chunk& chunk, const Encoder& encode) override;
  void recall(int index, std::uint64_t chunk, BackendEvents& events) override;
  void stop() override;
  void signal(int index, int signal) override;
  [[nodiscard]] std::optional<std::uint64_t> currentItem(int index) const override;
  [[nodiscard]] Span spanOf(int index, std::uint64_t chunk) const override;
  void wait(std::optional<Time> until, int wakeUp, BackendEvents& events) override;
  void end(int wakeUp) override;
  void shutdown(Time grace) override;

 private:
  enum class Receive { OneMessage, EverythingThere };

  [[nodiscard]] ForkedWorker& at(int index) const {
    return *workers_[static_cast<std::size_t>(index)];
  }
  /// Workers there are, and places of those that could not be started.
  [[nodiscard]] int placeCount() const { return static_cast<int>(workers_.size()); }
  void start(int index);
  /// Gives up some workers when descriptors have run out.
  void leaveRoom(int wanted);
  void reportVacancy(int errorNumber);
  void beginOn(int index, BackendEvents& events);
  void waitForReadiness(std::optional<Time> until, int wakeUp);
  void receiveFrom(int index, Receive amount, BackendEvents& events);
  void dispatch(int index, const Frame& frame, BackendEvents& events);
  void takeAnswer(int index, const FrameHeader& header, ByteView payload, BackendEvents& events);
  void takeException(int index, const Chunk& chunk, const FrameHeader& header, ByteView payload,
                     BackendEvents& events);
  std::vector<Spawner::Report> takeReports();
  void handleLosses(const std::vector<Spawner::Report>& reports, BackendEvents& events);
  void handleFailedStart(int index, int errorNumber, BackendEvents& events);
  void handleEnd(int index, ProcessStatus status, BackendEvents& events);
  void killAll();
  /// Returns when no worker that was told to answer at the operation's end still has to.
  void awaitEnds(int wakeUp);
  /// True when the worker has told, in what it sent, that its part in the operation is over.
  bool receiveEnded(int index);
  /// The worker that goes by `number` at the spawner; -1 for one that is gone.
  [[nodiscard]] int indexOf(int number) const;
  [[nodiscard]] Origin originOf(int index, std::optional<std::uint64_t> item) const;

  std::unique_ptr<Spawner> spawner_;  // ends and reaps whatever is left at the end
  std::vector<std::unique_ptr<ForkedWorker>>
      workers_;           // by index, which is the worker's id for the scheduler
  int nextNumber_ = 0;    // at the spawner; a replacement gets a new one
  OperationSetup setup_;  // id 0: between operations
  Span lost_;             // of the chunk that the last worker to end was on
  int lastErrno_ = 0;     // of the last worker that could not be started
  std::vector<pollfd> polled_;
  FrameReceiver receiver_;
  ArenaPayload payload_;
};

}  // namespace procession::detail
