#pragma once

#include <functional>
#include <optional>

#include "backend/rank_message.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::detail {

/// The agent of the parent's own rank, as the parent's backend sees it: it takes the messages that
/// the other agents get, and answers with theirs, but by calls.
class LocalAgent {
 public:
  /// Results of the run of items that the header tells, there during the call only. False: somebody
  /// else's, or come too late; then they go with the chunk's answer.
  using TakeResults = std::function<bool(const RankHeader& run, ByteView results)>;

  virtual ~LocalAgent() = default;

  virtual void handle(RankMessage message) = 0;
  /// Does what can be done, and waits for its workers, at most until `until` or until `wakeUp` is
  /// readable. Results that are one an item are offered to `take` at once, if there is one. True
  /// when anything happened.
  virtual bool step(Time until, int wakeUp, const TakeResults& take) = 0;
  /// Every one of its workers has something to do.
  [[nodiscard]] virtual bool areWorkersBusy() const = 0;
  /// Readable (poll) when the process of a task has something to tell; -1 while there is none.
  [[nodiscard]] virtual int taskDescriptor() const = 0;
  /// Its next answer.
  virtual std::optional<RankMessage> takeAnswer() = 0;
};

}  // namespace procession::detail
