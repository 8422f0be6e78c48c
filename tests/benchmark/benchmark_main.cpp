#include <benchmark/benchmark.h>

#include <charconv>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "procession/application.hpp"

namespace {

namespace benchmarks = procession::benchmarks;
using benchmarks::Settings;

int parseWorkers(std::string_view text) {
  int workers = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), workers);
  if (error != std::errc{} || end != text.data() + text.size() || workers < 1) {
    throw std::invalid_argument("--workers wants a number from 1: " + std::string(text));
  }
  return workers;
}

/// Takes our own options out of `arguments`; the rest is Google Benchmark's.
Settings takeSettings(std::vector<char*>& arguments) {
  Settings settings;
  std::erase_if(arguments, [&](const char* argument) {
    constexpr std::string_view kWorkers = "--workers=";
    const std::string_view text = argument;
    if (text == "--tiny") {
      settings.tiny = true;
      return true;
    }
    if (text.starts_with(kWorkers)) {
      settings.workers = parseWorkers(text.substr(kWorkers.size()));
      return true;
    }
    return false;
  });
  return settings;
}

void registerAll(const Settings& settings) {
  benchmarks::registerMap(settings);
  benchmarks::registerFilter(settings);
  benchmarks::registerSum(settings);
  benchmarks::registerTasks(settings);
  benchmarks::registerFutures(settings);
  benchmarks::registerSmallMap(settings);
  benchmarks::registerPoolLifetime(settings);
  benchmarks::registerStrings(settings);
  benchmarks::registerUneven(settings);
  benchmarks::registerLargeResults(settings);
  benchmarks::registerRandom(settings);
  benchmarks::registerSettled(settings);
  benchmarks::registerKills(settings);
}

int runBenchmarks(std::vector<char*> arguments) {
  const Settings settings = takeSettings(arguments);
  registerAll(settings);
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) {
    return 2;
  }
  benchmark::AddCustomContext("compiler", PROCESSION_BENCHMARK_COMPILER);
  benchmark::AddCustomContext("flags", PROCESSION_BENCHMARK_FLAGS);
  benchmark::AddCustomContext("workers", std::to_string(settings.workers));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  // The contenders own pools and worker processes, which are to end before the application does.
  benchmark::ClearRegisteredBenchmarks();
  return benchmarks::mismatchCount() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return procession::Application::run(argc, argv, [&] {
    try {
      return runBenchmarks(std::vector<char*>(argv, argv + argc));
    } catch (const std::invalid_argument& error) {
      std::cerr << argv[0] << ": " << error.what() << '\n';
      return 2;
    }
  });
}
