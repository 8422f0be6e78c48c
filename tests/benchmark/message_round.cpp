#include "message_round.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace procession::benchmarks {

namespace {

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe openPipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  return {ends[0], ends[1]};
}

pid_t forkProcess() {
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw std::system_error(errno, std::generic_category(), "fork");
  }
  return pid;
}

/// A message is far smaller than PIPE_BUF and travels whole.
bool send(int descriptor, const double* values, std::size_t count) {
  const auto size = static_cast<ssize_t>(count * sizeof *values);
  return ::write(descriptor, values, static_cast<std::size_t>(size)) == size;
}

bool receive(int descriptor, double* values, std::size_t count) {
  const auto size = static_cast<ssize_t>(count * sizeof *values);
  return ::read(descriptor, values, static_cast<std::size_t>(size)) == size;
}

void square(std::vector<double>& values) {
  for (double& x : values) {
    x *= x;
  }
}

/// The share of worker `index` of `workers` begins here.
std::size_t shareBegin(std::size_t items, std::size_t index, std::size_t workers) {
  return items * index / workers;
}

[[noreturn]] void serve(int request, int reply, std::size_t count) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<double> values(count);
  while (receive(request, values.data(), count)) {
    square(values);
    if (!send(reply, values.data(), count)) {
      break;
    }
  }
  ::_exit(0);
}

}  // namespace

MessageRound::MessageRound(int workers, std::size_t items) {
  const auto shares = static_cast<std::size_t>(workers);
  for (std::size_t i = 0; i < shares; ++i) {
    const std::size_t first = shareBegin(items, i, shares);
    workers_.push_back(start(first, shareBegin(items, i + 1, shares) - first));
  }
}

MessageRound::~MessageRound() {
  // Killed, not told: the workers forked later hold the write ends of the earlier ones' pipes.
  for (const Worker& worker : workers_) {
    ::kill(worker.pid, SIGKILL);
    ::waitpid(worker.pid, nullptr, 0);
    ::close(worker.request);
    ::close(worker.reply);
  }
}

MessageRound::Worker MessageRound::start(std::size_t first, std::size_t count) {
  const Pipe request = openPipe();
  const Pipe reply = openPipe();
  const pid_t pid = forkProcess();
  if (pid == 0) {
    serve(request.read, reply.write, count);
  }
  ::close(request.read);
  ::close(reply.write);
  return {
      .pid = pid, .request = request.write, .reply = reply.read, .first = first, .count = count};
}

std::vector<double> MessageRound::map(const std::vector<double>& items) {
  std::vector<double> results(items.size());
  for (const Worker& worker : workers_) {
    if (!send(worker.request, items.data() + worker.first, worker.count)) {
      throw std::runtime_error("a worker of the message round is gone");
    }
  }
  for (const Worker& worker : workers_) {
    if (!receive(worker.reply, results.data() + worker.first, worker.count)) {
      throw std::runtime_error("a worker of the message round is gone");
    }
  }
  return results;
}

std::vector<double> mapInFreshForks(int workers, const std::vector<double>& items) {
  struct Child {
    pid_t pid;
    int reply;
  };
  const auto shares = static_cast<std::size_t>(workers);
  std::vector<Child> children;
  for (std::size_t i = 0; i < shares; ++i) {
    const Pipe reply = openPipe();
    const pid_t pid = forkProcess();
    if (pid == 0) {
      std::vector<double> share(
          items.begin() + static_cast<std::ptrdiff_t>(shareBegin(items.size(), i, shares)),
          items.begin() + static_cast<std::ptrdiff_t>(shareBegin(items.size(), i + 1, shares)));
      square(share);
      ::_exit(send(reply.write, share.data(), share.size()) ? 0 : 1);
    }
    ::close(reply.write);
    children.push_back({pid, reply.read});
  }
  std::vector<double> results(items.size());
  for (std::size_t i = 0; i < shares; ++i) {
    const std::size_t first = shareBegin(items.size(), i, shares);
    const std::size_t count = shareBegin(items.size(), i + 1, shares) - first;
    const bool arrived = receive(children[i].reply, results.data() + first, count);
    ::close(children[i].reply);
    ::waitpid(children[i].pid, nullptr, 0);
    if (!arrived) {
      throw std::runtime_error("a child sent no results");
    }
  }
  return results;
}

}  // namespace procession::benchmarks
