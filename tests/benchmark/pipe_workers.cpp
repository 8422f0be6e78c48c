#include "pipe_workers.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>
#include <system_error>

namespace procession::benchmarks {

namespace {

constexpr int kPipeBytes = 1 << 20;      // what an unprivileged process may ask for
constexpr std::size_t kMaxInFlight = 2;  // the request it works on, and the next
constexpr std::uint64_t kStop = std::numeric_limits<std::uint64_t>::max();

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// In the worker: blocking, all or nothing. Nobody is told of failures but by the end of the
// process.
void readAll(int descriptor, void* target, std::size_t size) {
  auto* bytes = static_cast<std::byte*>(target);
  while (size > 0) {
    const ssize_t got = ::read(descriptor, bytes, size);
    if (got <= 0) {
      ::_exit(1);
    }
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
}

void writeFrame(int descriptor, Bytes payload) {
  std::uint64_t size = payload.size();
  std::array<iovec, 2> parts{
      {{&size, sizeof size}, {const_cast<std::byte*>(payload.data()), payload.size()}}};
  for (std::size_t left = sizeof size + payload.size(); left > 0;) {
    const ssize_t put = ::writev(descriptor, parts.data(), static_cast<int>(parts.size()));
    if (put < 0) {
      ::_exit(1);
    }
    left -= static_cast<std::size_t>(put);
    auto skip = static_cast<std::size_t>(put);
    for (iovec& part : parts) {
      const std::size_t step = std::min(skip, part.iov_len);
      part.iov_base = static_cast<std::byte*>(part.iov_base) + step;
      part.iov_len -= step;
      skip -= step;
    }
  }
}

[[noreturn]] void serve(int requests, int replies, const PipeWorkers::Handler& handler) {
  std::unique_ptr<std::byte[]> buffer;
  std::uint64_t capacity = 0;
  for (;;) {
    std::uint64_t size = 0;
    readAll(requests, &size, sizeof size);
    if (size == kStop) {
      ::_exit(0);
    }
    if (size > capacity) {
      buffer = std::make_unique_for_overwrite<std::byte[]>(size);
      capacity = size;
    }
    readAll(requests, buffer.get(), size);
    writeFrame(replies, handler({buffer.get(), size}));
  }
}

/// Leaves the child nothing of the parent's descriptors but its two pipes and the standard ones: no
/// other worker's pipe and no channel of a pool is kept open by accident.
[[noreturn]] void runWorker(int requests, int replies, const PipeWorkers::Handler& handler) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int low = STDERR_FILENO + 1;
  const int from = ::fcntl(requests, F_DUPFD, low + 2);
  const int to = ::fcntl(replies, F_DUPFD, low + 2);
  ::dup2(from, low);
  ::dup2(to, low + 1);
  ::close_range(static_cast<unsigned>(low) + 2, ~0U, 0);
  try {
    serve(low, low + 1, handler);
  } catch (...) {
    ::_exit(1);
  }
}

void makeNonBlocking(int descriptor) {
  if (::fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0) {
    fail("fcntl(O_NONBLOCK)");
  }
}

}  // namespace

PipeWorkers::PipeWorkers(int count, const Handler& handler) {
  for (int i = 0; i < count; ++i) {
    workers_.push_back(start(handler));
  }
}

PipeWorkers::~PipeWorkers() {
  for (const Worker& worker : workers_) {
    if (::write(worker.requests, &kStop, sizeof kStop) != sizeof kStop) {
      ::kill(worker.pid, SIGKILL);
    }
    ::waitpid(worker.pid, nullptr, 0);
    ::close(worker.requests);
    ::close(worker.replies);
  }
}

PipeWorkers::Worker PipeWorkers::start(const Handler& handler) {
  std::array<int, 2> requests{};
  std::array<int, 2> replies{};
  if (::pipe2(requests.data(), O_CLOEXEC) != 0 || ::pipe2(replies.data(), O_CLOEXEC) != 0) {
    fail("pipe2");
  }
  ::fcntl(requests[1], F_SETPIPE_SZ,
          kPipeBytes);  // where that is refused, the pipes stay as they are
  ::fcntl(replies[1], F_SETPIPE_SZ, kPipeBytes);
  const pid_t pid = ::fork();
  if (pid < 0) {
    fail("fork");
  }
  if (pid == 0) {
    runWorker(requests[0], replies[1], handler);
  }
  ::close(requests[0]);
  ::close(replies[1]);
  makeNonBlocking(requests[1]);
  makeNonBlocking(replies[0]);
  return {.pid = pid, .requests = requests[1], .replies = replies[0]};
}

void PipeWorkers::beginRequest(Worker& worker, Bytes request) {
  worker.request = request;
  worker.requestSize = request.size();
  worker.sent = 0;
  worker.isSending = true;
  sendMore(worker);
}

void PipeWorkers::sendMore(Worker& worker) {
  constexpr std::size_t kLength = sizeof worker.requestSize;
  while (worker.isSending) {
    std::array<iovec, 2> parts{};
    int count = 0;
    std::size_t offset = worker.sent;
    if (offset < kLength) {
      parts[count++] = {reinterpret_cast<std::byte*>(&worker.requestSize) + offset,
                        kLength - offset};
      offset = kLength;
    }
    const Bytes rest = worker.request.subspan(offset - kLength);
    parts[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};
    const ssize_t put = ::writev(worker.requests, parts.data(), count);
    if (put < 0) {
      if (errno == EAGAIN) {
        return;
      }
      fail("write to a worker");
    }
    worker.sent += static_cast<std::size_t>(put);
    worker.isSending = worker.sent < kLength + worker.request.size();
  }
}

bool PipeWorkers::receiveMore(Worker& worker, std::size_t number, PipeJob& job) {
  constexpr std::size_t kLength = sizeof worker.replySize;
  for (;;) {
    std::byte* target = nullptr;
    std::size_t wanted = 0;
    if (worker.received < kLength) {
      target = reinterpret_cast<std::byte*>(&worker.replySize) + worker.received;
      wanted = kLength - worker.received;
    } else {
      target = worker.reply + (worker.received - kLength);
      wanted = kLength + worker.replySize - worker.received;
    }
    if (wanted > 0) {
      const ssize_t got = ::read(worker.replies, target, wanted);
      if (got < 0 && errno == EAGAIN) {
        return false;
      }
      if (got <= 0) {
        fail("read from a worker");
      }
      worker.received += static_cast<std::size_t>(got);
    }
    if (worker.received == kLength) {
      worker.reply = job.prepareReply(worker.inFlight.front(), number, worker.replySize);
    }
    if (worker.received >= kLength && worker.received == kLength + worker.replySize) {
      worker.received = 0;
      job.finishReply(worker.inFlight.front(), number);
      worker.inFlight.pop_front();
      return true;
    }
  }
}

void PipeWorkers::waitForEvents(PipeJob& job, std::size_t& finished) {
  std::vector<pollfd> polled;
  for (const Worker& worker : workers_) {
    const int wantsToSend = worker.isSending ? POLLOUT : 0;
    polled.push_back({worker.requests, static_cast<short>(wantsToSend), 0});
    polled.push_back({worker.replies, POLLIN, 0});
  }
  if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
    fail("poll");
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (polled[2 * i].revents != 0) {
      sendMore(workers_[i]);
    }
    if (polled[2 * i + 1].revents != 0 && receiveMore(workers_[i], i, job)) {
      ++finished;
    }
  }
}

void PipeWorkers::run(std::size_t count, PipeJob& job) {
  std::size_t next = 0;
  std::size_t finished = 0;
  while (finished < count) {
    // Everybody gets a first request before anybody gets a second.
    for (std::size_t depth = 0; depth < kMaxInFlight; ++depth) {
      for (std::size_t i = 0; i < workers_.size() && next < count; ++i) {
        Worker& worker = workers_[i];
        if (!worker.isSending && worker.inFlight.size() <= depth) {
          worker.inFlight.push_back(next);
          beginRequest(worker, job.request(next++, i));
        }
      }
    }
    waitForEvents(job, finished);
  }
}

}  // namespace procession::benchmarks
