#pragma once

#include <cstdint>
#include <memory>

#include "backend/ranks.hpp"
#include "backend/shared_values.hpp"
#include "system/sealed_memory.hpp"

// How values of nodeShared() get from rank to rank. The parent sends the bytes of a value to one
// rank of each other node, the node's leader, and announces it to the others there; a leader tells
// these the place of the memory, where they open it for themselves.

namespace procession::detail {

/// Where a process of this machine holds a memfd, and how to tell that it is the one that is meant:
/// another machine, or another container, has other processes by the same numbers.
struct ValuePlace {
  std::int64_t pid = 0;
  std::int64_t descriptor = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

/// This process' memory.
[[nodiscard]] ValuePlace placeOf(const SealedMemory& memory);
/// Opens a neighbour's. Throws SystemError, PayloadError when it cannot be had.
[[nodiscard]] SealedMemory openPlace(const ValuePlace& place, std::size_t size);

/// Tells the ranks of this rank's node, but for this one and the parent, where it is here.
void sendPlaces(Ranks& ranks, std::uint64_t id, const SealedMemory& memory);
/// Sends the bytes, which stay where they are.
void sendBytes(Ranks& ranks, int rank, std::uint64_t id,
               const std::shared_ptr<const SealedMemory>& memory);
/// Where all of this process's values are, for a child that it does not fork itself.
void writePlaces(PayloadWriter& writer, const SharedValues& values);
/// In that child.
void openPlaces(PayloadReader& reader, SharedValues& values);
/// The answer to a WantValue message.
void answerWant(Ranks& ranks, const SharedValues& values, const RankMessage& message);

}  // namespace procession::detail
