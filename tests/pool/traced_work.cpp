/// The program of the trace tests: traced_work SCRATCH WHAT. Does what a trace has to show.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <numeric>
#include <procession/procession.hpp>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pool_test_support.hpp"

using procession::Application;
using procession::bindFront;
using procession::Future;
using procession::ProcessPool;
using procession::TaskTimeout;
using procession::test::SharedFile;

namespace {

bool isFirstTime(const std::string& scratch, const std::string& what) {
  const std::string path = scratch + "/" + what;
  const bool isFirst = SharedFile::linesOf(path).empty();
  SharedFile::append(path, "done");
  return isFirst;
}

int work(int n) {
  std::this_thread::sleep_for(std::chrono::microseconds(500));
  return n;
}

int throwOnce(const std::string& scratch, int n) {
  return n == 17 && isFirstTime(scratch, "thrown") ? throw std::runtime_error("once") : work(n);
}

int crashOnce(const std::string& scratch, int n) {
  if (n == 30 && isFirstTime(scratch, "crashed")) {
    raise(SIGKILL);
  }
  return work(n);
}

int hangAtThree(int n) { return n == 3 ? pause() : n; }

bool isSerial() {
  const char* backend = std::getenv("PROCESSION_BACKEND");
  return backend != nullptr && std::string(backend) == "serial";
}

void doEverything(const std::string& scratch) {
  const auto items = std::views::iota(0, 300);
  ProcessPool pool({.workerCount = 6, .retries = 1});
  static_cast<void>(pool.map(items, work));
  static_cast<void>(pool.filter(items, [](int n) { return n % 2 == 0; }));
  static_cast<void>(pool.reduce(items, std::plus<>(), 0));
  static_cast<void>(pool.map(items, bindFront(throwOnce, scratch)));
  static_cast<void>(pool.mapSettled(items, [](int n) { return n % 50 == 7 ? throw n : work(n); }));
  for ([[maybe_unused]] const auto& [index, value] : pool.mapUnordered(items, work)) {
  }
  std::vector<Future<int>> futures;
  futures.reserve(5);
  for (int n = 0; n < 5; ++n) {
    futures.push_back(pool.submit(work, n));
  }
  for (const Future<int>& future : futures) {
    static_cast<void>(future.get());
  }
  if (!isSerial()) {
    static_cast<void>(pool.map(items, bindFront(crashOnce, scratch)));
    ProcessPool limited({.workerCount = 2, .timeout = std::chrono::milliseconds(200)});
    try {
      static_cast<void>(limited.map(std::views::iota(0, 10), hangAtThree));
    } catch (const TaskTimeout&) {
      std::cout << "timed out\n";
    }
  }
}

/// Children that the program forks itself write nothing, however they end.
void forkMidway() {
  ProcessPool pool(2);
  static_cast<void>(pool.map(std::views::iota(0, 50), work));
  const pid_t child = fork();
  if (child == 0) {
    std::exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  static_cast<void>(pool.map(std::views::iota(0, 50), work));
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [&] {
    std::cout << "begun" << std::endl;
    const std::string what = argv[2];
    if (what == "everything") {
      doEverything(argv[1]);
    } else if (what == "fork") {
      forkMidway();
    } else if (what == "killed") {
      ProcessPool pool({.workerCount = 2, .chunkSize = 1});
      for (const auto& [index, value] : pool.mapUnordered(std::views::iota(0, 5'000), work)) {
        if (index == 3'000) {
          raise(SIGKILL);
        }
      }
    }
  });
}
