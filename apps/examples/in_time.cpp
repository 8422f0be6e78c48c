// What is done when time is over is kept: results are taken as they come, and the deadline ends the
// operation while there is time left to write them down. Under Slurm the end of the job is the
// deadline, unless another is given, as here.

#include <chrono>
#include <iostream>
#include <map>
#include <ranges>
#include <string>
#include <thread>

#include <procession/procession.hpp>

using namespace procession;

namespace {

int simulate(int run) {
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return run * run;
}

void save(const std::map<std::size_t, int>& results) {
  bool right = !results.empty() && results.size() < 100'000;
  for (const auto& [run, energy] : results) {
    right = right && energy == static_cast<int>(run * run);
  }
  std::cout << (right ? "some results are saved, and they are right\n" : "these are wrong\n");
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    const auto runs = std::views::iota(0, 100'000);  // would take minutes

    // [readme:in_time]
    ProcessPool pool({.deadline = std::chrono::system_clock::now() + std::chrono::seconds(1)});
    std::map<std::size_t, int> results;
    try {
      for (const auto& [run, energy] : pool.mapUnordered(runs, simulate)) {
        results[run] = energy;
      }
    } catch (const Interrupted&) {  // "the deadline ... is near: stopped after 382 of 100000 items"
    }
    save(results);
    // [readme:end]
  });
}
