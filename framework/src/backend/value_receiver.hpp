#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "backend/ranks.hpp"
#include "backend/shared_values.hpp"

namespace procession::detail {

/// The side of values of nodeShared() of a rank that serves: takes them in, shows its node's ranks
/// where they are if it is their leader, and tells what is still to come. See value_exchange.hpp.
class ValueReceiver {
 public:
  ValueReceiver(Ranks& ranks, SharedValues& values) : ranks_(ranks), values_(values) {}

  /// True when the message was for it. To be asked at once, for it may end the waiting.
  bool handle(const RankMessage& message);
  /// A value that the parent counts on is not here yet: what else came from the parent has to wait.
  [[nodiscard]] bool isWaiting() const { return !awaited_.empty(); }

 private:
  void acceptBytes(const RankMessage& message);
  void acceptPlace(const RankMessage& message);
  void tellOfCopy(int neighbour);

  Ranks& ranks_;
  SharedValues& values_;
  std::set<std::uint64_t> awaited_;
  std::string whyNoPlace_;  // the last place that could not be opened
  bool isToldOfCopy_ = false;
};

}  // namespace procession::detail
