#pragma once

#include "backend/ranks.hpp"

namespace procession::detail {

/// A place on a rank, taken by the process of a task while it lives. Thread-safe.
class RankSeat {
 public:
  explicit RankSeat(int rank);
  /// A process has ended: perhaps there is room again where there was none.
  ~RankSeat();
  RankSeat(const RankSeat&) = delete;
  RankSeat& operator=(const RankSeat&) = delete;

  /// The rank had no room for the process.
  void refuse();

 private:
  int rank_;
  bool isRefused_ = false;
};

/// Where the next task goes: the rank that then has the fewest in proportion to its cores, the
/// lowest of several; one without room only where no other has any.
int leastBusyRank(const Ranks& ranks);
/// Some rank has not refused a process since the last one ended anywhere.
bool hasRoom(const Ranks& ranks);

}  // namespace procession::detail
