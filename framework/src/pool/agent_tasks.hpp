#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "backend/fork_server.hpp"
#include "backend/rank_message.hpp"
#include "backend/task_message.hpp"
#include "pool/agent_operation.hpp"
#include "system/fork.hpp"

namespace procession::detail {

/// The processes of tasks on an agent's rank: has the fork server make one for each task that the
/// parent sends, and sends back what comes of it. They end with this object.
class AgentTasks {
 public:
  explicit AgentTasks(AgentPort& port) : port_(port) {}

  void start(const RankMessage& message);
  /// No effect on a task that is over.
  void signal(const RankHeader& header);
  [[nodiscard]] bool hasAny() const { return !running_.empty(); }

  /// Takes in what has happened; never waits. True when anything had.
  bool step();
  /// Readable (poll) when there is something to take in; -1 while there are no tasks.
  [[nodiscard]] int descriptor() const { return hasAny() ? events_.get() : -1; }

  /// While it lives, one descriptor to sleep on tells of tasks and of another one.
  class Alarm {
   public:
    Alarm(const AgentTasks& tasks, int other);
    ~Alarm();
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    [[nodiscard]] int descriptor() const { return events_ >= 0 ? events_ : other_; }

   private:
    int events_;
    int other_;
  };

 private:
  struct RunningTask {
    PrivateDescriptor channel;
    MessageReceiver message;

    void receive();
  };

  void prepare();
  void spawn(std::uint32_t number, ByteView bytes);
  void takeReports();
  void refuseAll(const std::exception_ptr& error);

  AgentPort& port_;
  std::unique_ptr<ServerSpawner> spawner_;        // since the first task
  PrivateDescriptor events_;                      // an epoll over the spawner and all channels
  std::map<std::uint32_t, RunningTask> running_;  // by the parent's number
};

}  // namespace procession::detail
