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
/// that the program ignores stays ignored. One that came too late for anybody to look at it is not
/// lost: where it would end the program, it does at the end of the scope.
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
  /// The handler is ours and ends the program as the default would: it counts as that.
  static void countAsDefault(void (*handler)(int)) noexcept;
  /// Readable from a signal on until acknowledge().
  [[nodiscard]] int getDescriptor() const { return event_.get(); }
  void acknowledge();
  /// What was acknowledged could be told to nobody: as if it had not been.
  void passOn(int signal);
  /// Signals noted so far.
  [[nodiscard]] int getCount() const { return count_.load(); }
  /// The first signal noted.
  [[nodiscard]] std::optional<int> getSignal() const;

 private:
  friend struct SignalNotes;

  std::optional<int> leave();

  PrivateDescriptor event_;
  std::atomic<int> count_ = 0;
  std::atomic<int> first_ = 0;  // 0: none yet
  bool isAcknowledged_ = false;
  // The list of living scopes: changed under a lock, read by the handler at any moment.
  std::atomic<SignalScope*> next_ = nullptr;
};

}  // namespace procession::detail
