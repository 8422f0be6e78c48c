#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "backend/ranks.hpp"
#include "backend/shared_values.hpp"

namespace procession::detail {

/// The parent's side of values of nodeShared(): which nodes have which, and what they are still to
/// be sent. See value_exchange.hpp.
class ValueSender {
 public:
  ValueSender(Ranks& ranks, const SharedValues& values) : ranks_(ranks), values_(values) {}

  /// To be called before a rank is sent what may need values: those there are now are on their way
  /// to the rank before it.
  void bringTo(int rank);
  /// Has the nodes let go of values that were released.
  void forgetReleased();

 private:
  void bringToNode(int leader, const SharedValues::Value& value);

  Ranks& ranks_;
  const SharedValues& values_;
  std::map<std::uint64_t, std::set<int>> nodes_;  // that were sent the value, by leader
  std::map<int, std::uint64_t> versions_;         // of the shared values that a node has, by leader
};

/// ValueSender::bringTo of the job's; nothing where there is none. Only in its parent.
void bringValuesTo(int rank);
/// ValueSender::forgetReleased of the job's; nothing where there is none, or in another thread than
/// the ranks' (the next bringValuesTo() does it then).
void forgetReleasedOnRanks();

}  // namespace procession::detail
