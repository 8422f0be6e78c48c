#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

#include "scheduler/scheduler.hpp"

namespace procession::detail {

/// What PROCESSION_TRACE records of one event. Plain bytes: agents send theirs to the parent as
/// they are, so times are those of the wall clock, which ranks share as far as their hosts do.
struct TraceRecord {
  enum class Type : std::uint32_t {
    // That last.
    Chunk = 1,  // done; number: nothing
    Threw,      // the chunk came back without results; `item` was on
    Aborted,    // the chunk came back unfinished, the operation being cancelled
    LostChunk,  // its worker ended
    Wait,       // of the parent, for workers
    // That happen at a moment.
    Kill,         // of a worker whose item exceeded its time limit
    WorkerLost,   // number: its signal, or 1000 + its exit code
    Retry,        // an item that failed before is handed out again
    ItemFailed,   // for good; number: its attempts
    Recall,       // a chunk is asked back; number: of an agent, its rank
    TakenBack,    // and was not begun; the same
    Split,        // its end comes back; the same
    Interrupted,  // by a signal; number: which
    Deadline,
  };
  static constexpr std::int32_t kExitCode = 1000;
  static constexpr std::uint64_t kNoItem = ~std::uint64_t{0};

  Type type{};
  pid_t process = 0;  // of the worker; 0: of the parent itself
  Time begin{0};
  Time end{0};
  std::uint64_t operation = 0;
  std::uint64_t first = 0;  // item
  std::uint64_t count = 0;  // items
  std::uint64_t item = kNoItem;
  std::int32_t number = 0;
  std::int32_t isAgents = 0;  // 1: `process` is no worker but the agent

  [[nodiscard]] bool lasts() const { return type <= Type::Wait; }
};

/// The steady clock's time as the wall clock's. The distance is taken once a process, so that an
/// adjusted wall clock changes the order of nothing.
[[nodiscard]] inline Time wallTime(Time steady) {
  static const Time distance = std::chrono::system_clock::now().time_since_epoch() -
                               std::chrono::steady_clock::now().time_since_epoch();
  return steady + distance;
}

}  // namespace procession::detail
