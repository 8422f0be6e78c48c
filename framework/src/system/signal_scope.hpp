#pragma once

#include <atomic>
#include <optional>

#include "system/fork.hpp"

namespace procession::detail {

/// While it lives, SIGINT and SIGTERM are noted instead of ending the process: an operation that
/// waits in poll(2) on getDescriptor() can end its workers, put everything back, and only then give
/// way.
///
///     SignalScope signals;
///     ... poll(): signals.getDescriptor() is readable ...
///     signals.acknowledge();
///     if (signals.getCount() == 1) { ask the workers to end } else { kill them }
///
/// Not a handler of its own: a handler that the program had installed is called as well, every
/// time, and is back in its place afterwards (unless the program replaced ours meanwhile). A signal
/// that the program ignores stays ignored.
///
/// Thread safety: any number may live at a time, nested or in several threads; each notes every
/// signal.
class SignalScope {
 public:
  /// Throws SystemError when descriptors run out.
  SignalScope();
  ~SignalScope();
  SignalScope(const SignalScope&) = delete;
  SignalScope& operator=(const SignalScope&) = delete;

  /// One lives in this process; for handlers, too.
  [[nodiscard]] static bool isInUse();
  /// Readable from a signal on until acknowledge().
  [[nodiscard]] int getDescriptor() const { return event_.get(); }
  void acknowledge();
  /// Signals noted so far.
  [[nodiscard]] int getCount() const { return count_.load(); }
  /// The first signal noted.
  [[nodiscard]] std::optional<int> getSignal() const;

 private:
  friend struct SignalNotes;

  PrivateDescriptor event_;
  std::atomic<int> count_ = 0;
  std::atomic<int> first_ = 0;  // 0: none yet
  // The list of living scopes: changed under a lock, read by the handler at any moment.
  std::atomic<SignalScope*> next_ = nullptr;
};

}  // namespace procession::detail
