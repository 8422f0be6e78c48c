#include "process/attempt.hpp"

#include <cerrno>
#include <stdexcept>
#include <string>

#include "backend/mail_room.hpp"
#include "process/child.hpp"
#include "process/placement.hpp"
#include "process/remote_attempt.hpp"

namespace procession::detail {

namespace {

/// The task's bytes; null when it cannot run in a process that shares no memory with this one.
std::shared_ptr<HeapPayload> toBytes(const Task& task) {
  auto payload = std::make_shared<HeapPayload>();
  RemoteAttempt::writeBody(*payload);
  try {
    return task.writePortable(*payload) ? payload : nullptr;
  } catch (const PortabilityError&) {
    return nullptr;  // it holds an address, or its code was loaded after the workers' start
  }
}

}  // namespace

std::unique_ptr<Attempt> beginAttempt(Task& task, const sigset_t& caught) {
  if (MailRoom* room = mailRoom(); room != nullptr && isRanksThread()) {
    if (const std::shared_ptr<HeapPayload> bytes = toBytes(task)) {
      return std::make_unique<RemoteAttempt>(*room, leastBusyRank(room->ranks()), bytes);
    }
  }
  return std::make_unique<Child>(task, caught);
}

std::unique_ptr<Attempt> beginAndAwait(Task& task, const sigset_t& caught) {
  while (true) {
    std::unique_ptr<Attempt> attempt = beginAttempt(task, caught);
    attempt->waitForStart();
    if (!attempt->takeIn() || !attempt->getRefusal()) {
      return attempt;
    }
    const SystemError refusal = *attempt->getRefusal();
    if (!isShortage(refusal) || !hasRoomElsewhere()) {
      throw SystemError(refusal);
    }
  }
}

bool isShortage(const SystemError& error) {
  const int number = error.getErrno();
  return number == EAGAIN || number == ENOMEM || number == EMFILE || number == ENFILE;
}

bool hasRoomElsewhere() {
  MailRoom* room = mailRoom();
  return room != nullptr && hasRoom(room->ranks());
}

void takeInRankMessages() {
  if (MailRoom* room = mailRoom(); room != nullptr && isRanksThread()) {
    room->serve();
  }
}

void requireSignal(int signal) {
  if (signal < 0 || signal >= NSIG) {
    throw std::invalid_argument("there is no signal " + std::to_string(signal));
  }
}

}  // namespace procession::detail
