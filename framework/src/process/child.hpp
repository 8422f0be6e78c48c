#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>

#include "process/attempt.hpp"
#include "process/placement.hpp"
#include "system/fork.hpp"
#include "system/lifeline.hpp"

namespace procession::detail {

/// An attempt in a process that this one forks, and that sees its memory as it is.
class Child final : public Attempt {
 public:
  /// Forks. Throws SystemError when there is no room for a process or its descriptors; then nothing
  /// was run.
  Child(Task& task, const sigset_t& caught);
  ~Child() override;

  [[nodiscard]] bool isRemote() const override { return false; }
  [[nodiscard]] std::optional<pid_t> getPid() const override { return pid_; }
  [[nodiscard]] int getPidfd() const override { return pidfd_.get(); }
  [[nodiscard]] int getChannel() const override { return channel_.get(); }
  bool takeIn() override;
  void receive() override;
  void waitForEnd() override;
  bool kill(int signal) override;
  void requestKill(int signal) noexcept override;
  [[nodiscard]] ProcessStatus getStatus() const override { return status_; }
  [[nodiscard]] TaskMessage getMessage() const override { return message_.getMessage(); }
  [[nodiscard]] Origin getOrigin() const override;

 private:
  bool reap(bool isBlocking);

  pid_t pid_ = -1;
  pid_t owner_;  // the process that forked it; in forks of that one the object is a mere copy
  PrivateDescriptor pidfd_;
  PrivateDescriptor channel_;
  Lifeline lifeline_;  // after the others: what it ends on is closed last
  ProcessStatus status_;
  bool isEndUnknown_ = false;  // somebody else reaped it
  MessageReceiver message_;
  std::optional<RankSeat> seat_;  // in a job
};

}  // namespace procession::detail
