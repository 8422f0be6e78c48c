#pragma once

#include <poll.h>

#include <deque>
#include <memory>
#include <vector>

#include "backend/arena.hpp"
#include "backend/backend.hpp"
#include "backend/frame.hpp"
#include "backend/spawner.hpp"
#include "system/fork.hpp"

namespace procession::detail {

/// Workers of this machine: forked processes, each with a channel (socket pair) and an arena of shared memory. A worker that
/// dies is replaced.
class ForkBackend final : public Backend {
 public:
  /// Asks for the workers; they may still be starting when the first chunks are sent.
  ForkBackend(int workerCount, std::unique_ptr<Spawner> spawner);
  ~ForkBackend() override;

  [[nodiscard]] int workerCount() const override { return static_cast<int>(workers_.size()); }
  void begin(const OperationSetup& setup, BackendEvents& events) override;
  void send(int worker, const Chunk& chunk, const Encoder& encode) override;
  void recall(int worker, std::uint64_t chunk, BackendEvents& events) override;
  void stop() override;
  void signal(int worker, int signal) override;
  [[nodiscard]] std::optional<std::uint64_t> currentItem(int worker) const override;
  void wait(std::optional<Time> until, int wakeUp, BackendEvents& events) override;
  void end() override;
  void shutdown(Time grace) override;

 private:
  enum class State {
    Vacant,   // no process, and none asked for
    Running,  // a process, or one on its way
  };
  struct Worker {
    State state = State::Vacant;
    int number = 0;               // at the spawner; a replacement gets a new one
    pid_t pid = 0;                // 0: not reported yet
    bool channelClosed = false;
    PrivateDescriptor channel;
    WorkerArena arena;            // stays when the process is replaced
    std::array<std::uint64_t, WorkerArena::kSlots> chunks{};  // in flight; 0: the slot is free
    FrameSender sender;
    std::size_t largestPayload = 0;
  };

  void start(int index, BackendEvents* events);
  void reportVacancy(int errorNumber);
  bool beginOn(Worker& worker);
  void flushAll();
  void waitForReadiness(std::optional<Time> until, int wakeUp);
  enum class Receive { OneMessage, EverythingThere };
  void receiveFrom(int index, Receive amount, BackendEvents& events);
  void dispatch(int index, const Frame& frame, BackendEvents& events);
  void takeReports(BackendEvents& events);
  void handleEnd(int index, ProcessStatus status, BackendEvents& events);
  void requireWorkers() const;
  [[nodiscard]] std::optional<std::size_t> slotOf(const Worker& worker, std::uint64_t chunk) const;
  [[nodiscard]] Origin originOf(const Worker& worker, std::optional<std::uint64_t> item) const;

  std::unique_ptr<Spawner> spawner_;
  std::vector<std::unique_ptr<Worker>> workers_;  // by index, which is the worker's id for the scheduler
  int nextNumber_ = 0;
  OperationSetup setup_;  // id 0: between operations
  int lastErrno_ = 0;     // of the last worker that could not be started
  std::vector<pollfd> polled_;
  FrameReceiver receiver_;
  ArenaPayload payload_;
};

}  // namespace procession::detail
