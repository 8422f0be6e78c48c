/// The program of the job tests (job-test): ends in the way that its arguments name, on any number
/// of ranks.
///
/// Every rank first prints who it is: "rank 1 is 4711". Callbacks print where they run: "working on
/// rank 1".
#include "job.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/serialization/access.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <procession/procession.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/rank_here.hpp"

namespace {

using procession::ProcessPool;

using procession::test::rankHere;

/// In one piece: several processes write to the same file.
void say(const std::string& line) {
  const std::string whole = line + "\n";
  [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, whole.data(), whole.size());
}

std::vector<int> someNumbers(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

int square(int number) { return number * number; }

void check(bool isTrue, const std::string& what) {
  if (!isTrue) {
    throw std::runtime_error("wrong: " + what);
  }
}

void workALittle(ProcessPool& pool) {
  check(pool.map(someNumbers(100), square).back() == 99 * 99, "squares");
}

int workForever(int number) {
  say("working on rank " + std::to_string(rankHere()));
  while (true) {
    ::pause();
  }
  return number;
}

int workForeverDeaf(int number) {
  std::signal(SIGTERM, SIG_IGN);
  return workForever(number);
}

/// True in one process of all: the one that makes the file.
bool isFirst(const std::string& path, int item) {
  std::FILE* file = std::fopen(path.c_str(), "wx");
  if (file == nullptr) {
    return false;
  }
  std::fprintf(file, "%d\n", item);
  std::fclose(file);
  return true;
}

/// Items that are encoded in the parent, in mid-operation: one of them ends it.
struct Trap {
  int number = 0;
  bool isExit = true;  // otherwise it throws

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    if (Archive::is_saving::value && number == 200) {
      isExit ? std::exit(4) : throw std::runtime_error("it snapped");
    }
    archive& number& isExit;
  }
};

/// One item is with a worker of rank 1 for ever.
int openTrap(const Trap& trap) {
  return rankHere() == 1 && isFirst("open", trap.number) ? workForever(trap.number) : trap.number;
}

int springTrap(bool isExit) {
  std::vector<Trap> traps(400);
  for (std::size_t i = 0; i < traps.size(); ++i) {
    traps[i] = {static_cast<int>(i), isExit};
  }
  ProcessPool pool(procession::PoolOptions{.chunkSize = 1});
  static_cast<void>(pool.map(traps, openTrap));
  return 0;
}

int segfaultOnRank1(const std::string& path, int item) {
  if (rankHere() == 1 && isFirst(path, item)) {
    std::raise(SIGSEGV);
  }
  return square(item);
}

int throwOnRank1(const std::string& path, int item) {
  if (rankHere() == 1 && isFirst(path, item)) {
    throw std::runtime_error("no such luck");
  }
  return square(item);
}

int killForkServerOfRank1(int item) {
  if (rankHere() == 1) {
    kill(getppid(), SIGKILL);
  }
  return item;
}

template <class Failure>
void failOnRank1(int (*callback)(const std::string&, int)) {
  const std::filesystem::path path =
      std::filesystem::absolute("failed-" + std::to_string(getpid()));
  ProcessPool pool(procession::PoolOptions{.chunkSize = 1});
  try {
    static_cast<void>(pool.map(someNumbers(400), procession::bindFront(callback, path.string())));
    check(false, "nothing failed");
  } catch (const Failure& failure) {
    say(failure.what());
    std::size_t item = 0;
    check(static_cast<bool>(std::ifstream(path) >> item), "no item was written down");
    check(failure.getOrigin().item == item, "another item is named");
    check(failure.getOrigin().rank == 1, "another rank is named");
    check(!failure.getOrigin().host.empty(), "no host is named");
  }
  std::filesystem::remove(path);
  workALittle(pool);
}

/// A pool that outlives the body.
ProcessPool& staticPool() {
  static ProcessPool pool;
  return pool;
}

/// A manager that outlives the body.
procession::ProcessManager& staticManager() {
  static procession::ProcessManager manager;
  return manager;
}

/// Some tasks for each rank, in processes that only a signal ends.
void startTasks(procession::ProcessManager& manager) {
  for (int i = 0; i < 6; ++i) {
    manager.add(workForever, i)->start();
  }
}

/// Forked by rank 0, both of them.
void forkTwice(procession::ProcessManager& manager) {
  const std::string text = "not portable";
  for (int i = 0; i < 2; ++i) {
    manager.add([&text] { return text; });
  }
  for (const procession::TaskOutcome& outcome : manager.run()) {
    check(outcome.get<std::string>() == text, "results");
  }
}

int run(const std::string& what) {
  const std::map<std::string, std::function<int()>, std::less<>> bodies = {
      {"return-0", [] { return 0; }},
      {"return-3",
       [] {
         workALittle(staticPool());
         return 3;
       }},
      {"throw",
       []() -> int {
         ProcessPool pool;
         workALittle(pool);
         throw std::runtime_error("the body gave up");
       }},
      {"exit", []() -> int { std::exit(4); }},
      {"exit-after-pools",
       []() -> int {
         {
           ProcessPool pool;
           workALittle(pool);
         }
         check(procession::Process::map(someNumbers(10), square).size() == 10, "results");
         std::exit(4);
       }},
      {"exit-with-a-pool",
       []() -> int {
         ProcessPool pool;
         workALittle(pool);
         std::exit(4);
       }},
      {"exit-with-a-static-pool",
       []() -> int {
         workALittle(staticPool());
         std::exit(4);
       }},
      {"exit-in-an-operation", [] { return springTrap(true); }},
      {"throw-in-an-operation", [] { return springTrap(false); }},
      {"exit-in-a-handler",
       [] {
         std::signal(SIGUSR1, [](int) { std::exit(4); });
         ProcessPool pool;
         static_cast<void>(pool.map(someNumbers(pool.getWorkerCount()), workForever));
         return 0;
       }},
      {"fork-server-is-killed",
       [] {
         ProcessPool first;
         ProcessPool second;
         workALittle(second);
         try {
           static_cast<void>(first.map(someNumbers(400), killForkServerOfRank1));
           check(false, "nothing failed");
         } catch (const procession::SystemError& error) {
           say(error.what());
         }
         // What a pool was to be opened with is gone: the others have their chunks by then.
         ProcessPool third(procession::PoolOptions{.chunkSize = 1});
         static_cast<void>(third.map(someNumbers(third.getWorkerCount()), workForever));
         return 0;
       }},
      {"work",
       [] {
         ProcessPool pool;
         static_cast<void>(pool.map(someNumbers(pool.getWorkerCount()), workForever));
         return 0;
       }},
      {"work-deaf",
       [] {
         ProcessPool pool;
         static_cast<void>(pool.map(someNumbers(pool.getWorkerCount()), workForeverDeaf));
         return 0;
       }},
      {"idle",
       [] {
         ProcessPool pool;
         workALittle(pool);
         say("idle");
         while (true) {
           ::pause();
         }
         return 0;
       }},
      {"tasks",
       [] {
         procession::ProcessManager manager;
         for (int i = 0; i < 6; ++i) {
           manager.add(workForever, i);
         }
         manager.run(6);
         return 0;
       }},
      {"exit-with-tasks",
       []() -> int {
         procession::ProcessManager manager;
         startTasks(manager);
         startTasks(staticManager());
         std::exit(4);
       }},
      {"forks",
       [] {
         forkTwice(staticManager());
         return 0;
       }},
      {"segfault",
       [] {
         failOnRank1<procession::WorkerLost>(segfaultOnRank1);
         return 0;
       }},
      {"callback-throws",
       [] {
         failOnRank1<procession::TaskError>(throwOnRank1);
         return 0;
       }},
  };
  say(buildName());
  return bodies.at(what)();
}

}  // namespace

int main(int argc, char** argv) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "outside") {
    try {
      ProcessPool pool;
    } catch (const procession::Error& error) {
      std::fprintf(stderr, "refused: %s\n", error.what());
      return 5;
    }
    return 0;
  }
  say("rank " + std::to_string(rankHere()) + " is " + std::to_string(getpid()));
  return procession::Application::run(argc, argv, [&] { return run(what); });
}
