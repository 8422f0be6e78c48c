#pragma once

namespace procession::detail {

/// An operation of a pool that its caller takes step by step. While it lives, the pool takes no
/// other; its end, however early, leaves the pool ready for the next one.
class RunningOperation {
 public:
  RunningOperation() = default;
  RunningOperation(const RunningOperation&) = delete;
  RunningOperation& operator=(const RunningOperation&) = delete;
  /// Cancels what is not done yet.
  virtual ~RunningOperation() = default;

  /// Hands out what can be and waits until something happened. False: all is done. Throws what
  /// ended the operation early, once.
  virtual bool step() = 0;
};

}  // namespace procession::detail
