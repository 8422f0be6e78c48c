#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace procession {

/// Whether long operations tell how far they are.
enum class Progress {
  Auto,  // a bar on a terminal, a line a minute in a log
  Off,
  On,
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
  /// When to stop: chunks in flight are left at their next item, and the operation throws
  /// Interrupted. Empty, or max(): never.
  std::optional<std::chrono::system_clock::time_point> deadline{};
  /// This version shows no progress.
  Progress progress = Progress::Auto;
  /// Of the per-item random streams, which this version does not have.
  std::uint64_t seed = 0;
  /// Items a leaf of a reduction; 0: the smallest power of two that gives at most 2^20 leaves.
  /// Changes the rounding of floating-point reductions, as it changes their order.
  std::size_t grain = 0;

  friend bool operator==(const PoolOptions&, const PoolOptions&) = default;
};

}  // namespace procession
