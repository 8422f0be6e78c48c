#pragma once

#include <optional>

#include "backend/rank_message.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::detail {

/// The agent of the parent's own rank, as the parent's backend sees it: it takes the messages that
/// the other agents get, and answers with theirs, but by calls.
class LocalAgent {
 public:
  virtual ~LocalAgent() = default;

  virtual void handle(RankMessage message) = 0;
  /// Does what can be done, and waits for its workers, at most until `until` or until `wakeUp` is
  /// readable. True when anything happened.
  virtual bool step(Time until, int wakeUp) = 0;
  /// Its next answer.
  virtual std::optional<RankMessage> takeAnswer() = 0;
};

}  // namespace procession::detail
