#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// What travels between the parent and its agents. Messages between two ranks arrive in the order
/// in which they were sent.
enum class RankMessageKind : std::uint32_t {
  // To an agent.
  OpenPool = 1,  // value: worker processes
  Begin,         // an operation starts; payload: OperationPlan, then the set-up
  Run,           // work on a chunk; payload: its items
  Recall,        // give the chunk back, if no worker has any of it
  Stop,          // leave what is under way at the next item
  Signal,        // value: the signal for busy workers
  EndOperation,
  ClosePool,
  Leave,  // the job is over
  // From an agent.
  Done,        // payload: the results, RunHeader by RunHeader
  ItemFailed,  // first: the item, for good; payload: the error
  Failed,      // the agent cannot go on with the operation; payload: the error
  Aborted,     // the chunk comes back unfinished, after Stop
  Recalled,    // value: 1, or 0 when a worker has some of it
  PassedOn,    // the chunk is with the workers: there is room for another
  Stopped,     // the agent's rank got the signal `value`; count: signals so far
  Alive,       // nothing else happened for a while
};

struct RankHeader {
  static constexpr std::uint32_t kMagic = 0x4B4E4152;  // "RANK"

  std::uint32_t magic = kMagic;
  RankMessageKind kind{};
  std::uint32_t pool = 0;
  std::int32_t value = 0;
  std::uint64_t operation = 0;
  std::uint64_t chunk = 0;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t length = 0;       // payload bytes
  std::uint64_t nanoseconds = 0;  // Done: the time the callbacks took
};
static_assert(sizeof(RankHeader) == 64, "payloads behind a header stay aligned to a cache line");

/// In front of each run of results in a Done message. Runs begin at multiples of 64 bytes, so that
/// results are aligned like those in a slot.
struct alignas(64) RunHeader {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t length = 0;  // bytes of results, without the padding behind them
};
[[nodiscard]] inline std::size_t runPadding(std::size_t length) {
  return (alignof(RunHeader) - length % alignof(RunHeader)) % alignof(RunHeader);
}

struct RankMessage {
  int rank = 0;  // the sender
  RankHeader header;
  std::shared_ptr<const HeapPayload> payload;  // null when there is none

  [[nodiscard]] ByteView bytes() const { return payload ? payload->view() : ByteView{}; }
};

}  // namespace procession::detail
