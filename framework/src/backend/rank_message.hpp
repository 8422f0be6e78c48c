#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "procession/detail/wire/payload.hpp"
#include "system/sealed_memory.hpp"

namespace procession::detail {

/// What travels between the parent and its agents. Messages between two ranks arrive in the order
/// in which they were sent.
enum class RankMessageKind : std::uint32_t {
  // To an agent.
  OpenPool = 1,  // value: worker processes
  Begin,         // an operation starts; payload: OperationPlan, then the set-up
  Run,           // work on a chunk; payload: its items
  Recall,        // give back what of the chunk no worker has
  Stop,          // leave what is under way at the next item
  Signal,        // value: the signal for busy workers
  EndOperation,  // value: 1 when it is to be answered with Ended
  ClosePool,
  Leave,        // the job is over
  ForgetValue,  // the value `first` of nodeShared() is released
  AwaitValue,  // the value `first` comes from the leader of the agent's node; what follows needs it
  // From the parent or a neighbour, see value_exchange.hpp.
  ValueBytes,  // first: the value's id; count: its bytes; payload: these
  ValuePlace,  // the same; payload: the ValuePlace where the sender has it
  WantValue,   // the sender cannot use that place: it wants the bytes of the value `first`
  NoValue,     // and they are not there any more
  // From an agent.
  Done,           // payload: the results, RunHeader by RunHeader
  AttemptFailed,  // first: the item, which may be tried again; nanoseconds: how long it took;
                  // payload: the error
  ItemFailed,     // first: the item, for good; payload: the error
  Failed,         // the agent cannot go on with the operation; payload: the error
  Aborted,   // the chunk comes back unfinished, after Stop; count: items that are done; payload:
             // their results, as in Done
  Recalled,  // count: items at the chunk's end that come back; value: 1 when these are all of it
  PassedOn,  // the chunk is with the workers: there is room for another
  Stopped,   // the agent's rank got the signal `value`; count: signals so far
  Ended,     // the agent's part in the operation is over
  Traced,    // payload: what PROCESSION_TRACE records of it, TraceRecord by TraceRecord
  Alive,     // nothing else happened for a while
  // Of a task, whose number is in `pool`; to an agent.
  StartTask,   // payload: ChildBody as CodeAddress, then what it reads
  SignalTask,  // value: the signal for its process
  // From an agent.
  TaskStarted,  // value: the pid
  TaskRefused,  // there is no process; value: errno, or 0 and the error as payload
  TaskEnded,    // value: its exit code or signal; first: how, as waitid(2) has it; count: the
                // MessageKind of the payload
};

struct RankHeader {
  static constexpr std::uint32_t kMagic = 0x4B4E4152;  // "RANK"

  std::uint32_t magic = kMagic;
  RankMessageKind kind{};
  std::uint32_t pool = 0;  // whom it is about: a pool or a task; 0: the rank
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
  std::shared_ptr<const HeapPayload> payload;        // null when there is none
  std::shared_ptr<UnsealedMemory> memory = nullptr;  // ValueBytes has it here; null: 0 bytes

  [[nodiscard]] ByteView bytes() const { return payload ? payload->view() : ByteView{}; }
};

}  // namespace procession::detail
