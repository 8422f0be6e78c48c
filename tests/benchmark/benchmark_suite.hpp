#pragma once

namespace procession::benchmarks {

/// What the command line says to every benchmark.
struct Settings {
  int workers = 2;    // processes, or threads of OpenMP
  bool tiny = false;  // sizes for a check of the results rather than of the speed
};

// One function a row of the table that tests/benchmark/run writes. Each registers our way of doing
// the work and, beside it, what it is measured against; a benchmark is named row/size/contender.
void registerMap(const Settings& settings);
void registerFilter(const Settings& settings);
void registerSum(const Settings& settings);
void registerTasks(const Settings& settings);
void registerFutures(const Settings& settings);
void registerSmallMap(const Settings& settings);
void registerPoolLifetime(const Settings& settings);
void registerStrings(const Settings& settings);
void registerUneven(const Settings& settings);
void registerLargeResults(const Settings& settings);
void registerRandom(const Settings& settings);
void registerSettled(const Settings& settings);
void registerKills(const Settings& settings);

}  // namespace procession::benchmarks
