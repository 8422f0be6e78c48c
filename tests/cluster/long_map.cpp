// long_map SECONDS: a program that is at work on all ranks when something happens to one of them.
// Says so on stderr.

#include <procession/procession.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <ranges>
#include <set>
#include <string>
#include <thread>

namespace {

std::string hostOf(int) {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

void work(int) { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

}  // namespace

int main(int argc, char** argv) {
  return procession::Application::run(argc, argv, [&] {
    const int seconds = argc > 1 ? std::atoi(argv[1]) : 60;
    procession::ProcessPool pool({.chunkSize = 1});
    const auto names = pool.map(std::views::iota(0, 64), hostOf);
    const std::set<std::string> hosts(names.begin(), names.end());
    std::cerr << "at work on " << hosts.size() << " hosts" << std::endl;
    pool.each(std::views::iota(0, 100 * seconds * pool.getWorkerCount()), work);
  });
}
