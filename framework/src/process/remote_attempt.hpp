#pragma once

#include <memory>

#include "backend/mail_room.hpp"
#include "process/attempt.hpp"

namespace procession::detail {

/// An attempt whose process the fork server of a rank forks, this rank's own for one: it sees
/// memory as it was when Application::run began.
///
/// Made in the thread of the ranks. Other threads may look at it, and ask it to send signals, which
/// that thread then does.
class RemoteAttempt final : public Attempt {
 public:
  /// Sends the task: `bytes` as of writeBody(), then Task::writePortable(). That there is no room
  /// for it is told later.
  RemoteAttempt(MailRoom& room, int rank, std::shared_ptr<const HeapPayload> bytes);
  ~RemoteAttempt() override;

  /// What the process does with the rest of the bytes.
  static void writeBody(PayloadWriter& writer);

  [[nodiscard]] bool isRemote() const override { return true; }
  [[nodiscard]] std::optional<pid_t> getPid() const override;
  bool takeIn() override;
  void waitForStart() override;
  void waitForEnd() override;
  bool kill(int signal) override;
  void requestKill(int signal) noexcept override;
  [[nodiscard]] std::optional<SystemError> getRefusal() const override;
  [[nodiscard]] ProcessStatus getStatus() const override;
  [[nodiscard]] TaskMessage getMessage() const override;
  [[nodiscard]] Origin getOrigin() const override;

 private:
  class Line;

  std::shared_ptr<Line> line_;
};

}  // namespace procession::detail
