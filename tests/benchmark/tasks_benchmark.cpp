#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/process_manager.hpp"

// Tasks of no length, one process each: what starting, watching and reaping a process costs.

namespace procession::benchmarks {

namespace {

int work(int task) { return task * 3 + 1; }

struct Child {
  pid_t pid = -1;
  int result = -1;  // the read end of its pipe
  std::size_t task = 0;
};

Child startChild(std::size_t task) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw std::system_error(errno, std::generic_category(), "fork");
  }
  if (pid == 0) {
    const int result = work(static_cast<int>(task));
    ::_exit(::write(pipe[1], &result, sizeof result) == sizeof result ? 0 : 1);
  }
  ::close(pipe[1]);
  return {.pid = pid, .result = pipe[0], .task = task};
}

int finishChild(const Child& child) {
  int result = 0;
  int status = 0;
  const ssize_t got = ::read(child.result, &result, sizeof result);
  ::close(child.result);
  if (::waitpid(child.pid, &status, 0) != child.pid || status != 0 || got != sizeof result) {
    throw std::runtime_error("a child failed");
  }
  return result;
}

/// The limit: fork, pipe and waitpid, the next child as soon as one has ended.
std::vector<int> runBareForks(std::size_t tasks, std::size_t maxConcurrent) {
  std::vector<int> results(tasks);
  std::vector<Child> running;
  std::vector<pollfd> polled;
  for (std::size_t next = 0; next < tasks || !running.empty();) {
    while (next < tasks && running.size() < maxConcurrent) {
      running.push_back(startChild(next++));
    }
    polled.clear();
    for (const Child& child : running) {
      polled.push_back({child.result, POLLIN, 0});
    }
    ::poll(polled.data(), polled.size(), -1);
    for (std::size_t i = running.size(); i-- > 0;) {
      if (polled[i].revents != 0) {
        results[running[i].task] = finishChild(running[i]);
        running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
  }
  return results;
}

std::vector<int> runManager(std::size_t tasks, int maxConcurrent) {
  ProcessManager manager;
  for (std::size_t task = 0; task < tasks; ++task) {
    manager.add(work, static_cast<int>(task));
  }
  return manager.run<int>(maxConcurrent);
}

}  // namespace

void registerTasks(const Settings& settings) {
  const std::size_t tasks = settings.tiny ? 20 : 1'000;
  const int workers = settings.workers;
  const auto matches = [tasks](const std::vector<int>& results) {
    bool right = results.size() == tasks;
    for (std::size_t i = 0; i < results.size(); ++i) {
      right = right && results[i] == work(static_cast<int>(i));
    }
    return right;
  };
  const std::string row = "tasks/" + std::to_string(tasks);
  addContender(
      row + "/procession", [=] { return runManager(tasks, workers); }, matches);
  addContender(
      row + "/forks", [=] { return runBareForks(tasks, static_cast<std::size_t>(workers)); },
      matches);
}

}  // namespace procession::benchmarks
