#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "scheduler/scheduler.hpp"

namespace procession::detail {

/// How many of the items [first, first + count) the chunk has.
[[nodiscard]] std::uint64_t overlap(const Chunk& chunk, std::uint64_t first, std::uint64_t count);

/// What an agent does with its parent's chunks: keeps them, feeds its own scheduler with their
/// items as its workers come to need them, and tells what the parent has to know. Pure as the
/// scheduler is: no I/O, no clock.
///
/// The parent can have back what no worker has. While items are dear, or of unknown cost, only idle
/// workers get any (see SchedulerOptions::keepBackDear), and there is room for another chunk once
/// this one is with the workers and one of them idles, or works on the next. Cheap items are passed
/// on chunk by chunk ahead of the workers' need.
///
/// A worker's chunk may lie in two of the parent's.
class ChunkRelay {
 public:
  /// For the parent.
  struct Answer {
    enum class Type {
      PassedOn,  // there is room for another chunk
      Done,      // all items of the chunk, but for those given back
    };
    Type type = Type::PassedOn;
    Chunk chunk;
    Time busy{0};  // that its callbacks took, of Done
  };

  /// `wholeChunks`: chunks are nodes of a reduction tree, which are fed and given back as a whole.
  ChunkRelay(Scheduler& scheduler, bool wholeChunks)
      : scheduler_(scheduler), wholeChunks_(wholeChunks) {}

  void receive(const Chunk& chunk);
  /// The parent wants the chunk back: so many items at its end are its again, those that wait here
  /// or in the scheduler. None if a worker has the last one, or the chunk is not here any more.
  std::uint64_t giveBack(std::uint64_t chunk);
  /// Feeds the scheduler. To be called before it is asked for actions, and after events.
  void feed();
  /// The scheduler handed this out.
  void handedOut(const Chunk& workersChunk);
  /// These items are done; their callbacks took `busy` in all.
  void done(std::uint64_t first, std::uint64_t count, Time busy);
  /// In the order in which things happened.
  std::optional<Answer> nextAnswer();

 private:
  struct Entry {
    Chunk chunk;
    std::uint64_t fed = 0;  // items that the scheduler has been given
    std::uint64_t toHandOut = 0;
    std::uint64_t toDo = 0;
    Time busy{0};
    bool isPassedOn = false;

    [[nodiscard]] std::uint64_t kept() const { return chunk.count - fed; }
  };

  [[nodiscard]] std::uint64_t neededItems(const Entry& entry) const;
  [[nodiscard]] bool hasHungryWorker() const;
  void announce();
  void settleDone();

  Scheduler& scheduler_;
  bool wholeChunks_;
  std::deque<Entry> entries_;  // in the order of receive()
  std::deque<Answer> answers_;
};

}  // namespace procession::detail
