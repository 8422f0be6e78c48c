#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

namespace procession::benchmarks {

using Bytes = std::span<const std::byte>;

/// What is sent to PipeWorkers and what becomes of their replies. Requests are asked for when a
/// worker can take one, at most one at a time for each worker: `worker` says whose buffers are
/// free.
class PipeJob {
 public:
  virtual ~PipeJob() = default;
  /// The bytes of a request; they must stay until the next request of the same worker.
  virtual Bytes request(std::size_t index, std::size_t worker) = 0;
  /// Where the `size` bytes of the reply are to be read to.
  virtual std::byte* prepareReply(std::size_t index, std::size_t worker, std::size_t size) = 0;
  /// The reply is there.
  virtual void finishReply(std::size_t /*index*/, std::size_t /*worker*/) {}
};

/// Pre-forked workers over pipes as one would write them by hand for one program: each does one
/// fixed thing with the requests it reads, frames carry their length, the pipes are enlarged, two
/// requests are in flight at each worker, replies are read straight to where they belong. No item
/// is ever retried or missed: a worker that dies ends it all.
class PipeWorkers {
 public:
  /// Runs in the workers. May work in the request's memory and return that; what it returns must
  /// stay until the next call.
  using Handler = std::function<Bytes(std::span<std::byte> request)>;

  PipeWorkers(int count, const Handler& handler);
  PipeWorkers(const PipeWorkers&) = delete;
  PipeWorkers& operator=(const PipeWorkers&) = delete;
  ~PipeWorkers();

  [[nodiscard]] std::size_t size() const { return workers_.size(); }

  /// Has the requests 0 to `count` - 1 of the job worked on, and waits for all replies.
  void run(std::size_t count, PipeJob& job);

 private:
  struct Worker {
    pid_t pid = -1;
    int requests = -1;                   // written by us, non-blocking
    int replies = -1;                    // read by us, non-blocking
    std::deque<std::size_t> inFlight{};  // the requests it has, the oldest first

    std::uint64_t requestSize = 0;
    Bytes request{};
    std::size_t sent = 0;  // of the length and the request together
    bool isSending = false;

    std::uint64_t replySize = 0;
    std::byte* reply = nullptr;
    std::size_t received = 0;  // of the length and the reply together
  };

  static Worker start(const Handler& handler);
  static void beginRequest(Worker& worker, Bytes request);
  static void sendMore(Worker& worker);
  /// True when the reply is complete.
  bool receiveMore(Worker& worker, std::size_t number, PipeJob& job);
  void waitForEvents(PipeJob& job, std::size_t& finished);

  std::vector<Worker> workers_;
};

}  // namespace procession::benchmarks
