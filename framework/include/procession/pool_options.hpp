#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace procession {

/// Whether long operations tell how far they are, on stderr.
enum class Progress {
  Auto,  // on a terminal a bar, once an operation takes longer than a second; a line a minute in a
         // log
  Off,
  On,  // the bar at once, and a line at the end, in a log as well
};

/// How a ProcessPool works. All fields have sensible defaults; name the ones that differ:
///
///     ProcessPool pool({.workerCount = 4, .retries = 2});
struct PoolOptions {
  /// Worker processes; 0: PROCESSION_WORKERS, else every core of the allocation.
  int workerCount = 0;
  /// The largest run of items handed out at once; 0: adapted to the measured cost. Never changes
  /// results.
  std::size_t chunkSize = 0;
  /// How often an item is tried again after its callback threw or its worker was lost.
  int retries = 0;
  /// How long one item may take; then its worker is killed and the item fails with TaskTimeout. 0:
  /// for ever.
  std::chrono::milliseconds timeout{0};
  /// A journal to resume from; empty: none. This version has no journals: anything else is a
  /// std::invalid_argument.
  std::filesystem::path checkpoint{};
  /// When everything has to be over: in time before, nothing more is handed out, and the operation
  /// throws Interrupted, which tells how many items are done; mapSettled returns with these. Empty:
  /// as PROCESSION_DEADLINE says, or else the end of the Slurm job. max(): never.
  std::optional<std::chrono::system_clock::time_point> deadline{};
  /// Whether stderr tells how far an operation is that takes long. Auto: as PROCESSION_PROGRESS
  /// says; Off and On are the program's word.
  Progress progress = Progress::Auto;
  /// Of the random streams of callbacks that take a Random (random.hpp), one stream an item.
  std::uint64_t seed = 0;
  /// Items a leaf of a reduction; 0: the smallest power of two that gives at most 2^20 leaves.
  /// Changes the rounding of floating-point reductions, as it changes their order.
  std::size_t grain = 0;

  friend bool operator==(const PoolOptions&, const PoolOptions&) = default;
};

}  // namespace procession
