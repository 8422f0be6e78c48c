#pragma once

#include <cstddef>
#include <cstdint>

namespace procession::detail {

/// What the hand-out of an operation depends on. Plain bytes: agents get it as it is.
struct OperationShape {
  std::uint64_t items = 0;
  std::size_t itemBytes = 0;    // what an item takes on its way, or a guess at it, to bound chunks;
                                // 0: nothing is sent
  std::size_t resultBytes = 0;  // a guess at the same for its result
  std::uint64_t leafItems = 1;  // chunks end at multiples of this
  bool wholeNodes = false;      // a chunk is one node of the reduction tree and returns one partial
  bool readsSource = false;     // workers open a file or the like
  bool localOnly = false;       // the callback can only run in processes forked for this call
  bool awaitsEnds = false;  // Kernel::end() is part of the work: all workers have been through it
                            // when the operation is over
  bool answersAtOnce = false;  // a chunk's answer leaves before the next chunk is begun: it does
                               // not wait for that one, and is not lost with the process
  bool rawItems = false;  // every item takes exactly itemBytes, so that a run of them can be cut
};

}  // namespace procession::detail
