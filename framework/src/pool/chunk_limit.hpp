#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "backend/operation_plan.hpp"

namespace procession::detail {

/// How many items a chunk may have, so that its items and its results are of a size that travels
/// well; or as many as the user has asked for.
class ChunkLimit {
 public:
  /// `capacity`: how many processes stand behind a worker of the backend, at most.
  ChunkLimit(const OperationPlan& plan, int capacity);

  [[nodiscard]] std::uint64_t items() const { return items_; }
  /// So many items took so many bytes. Returns the new limit if that is a reason for a lower one.
  [[nodiscard]] std::optional<std::uint64_t> note(std::uint64_t items, std::size_t bytes);

 private:
  bool isFixed_;
  std::size_t bytes_;  // a chunk's items, or its results, should take no more
  std::uint64_t items_;
};

}  // namespace procession::detail
