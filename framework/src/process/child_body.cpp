#include "process/child_body.hpp"

#include <unistd.h>

#include <cstring>
#include <exception>

#include "backend/task_message.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "system/child_exit.hpp"
#include "system/file_descriptor.hpp"
#include "system/fork.hpp"

namespace procession::detail {

namespace {

/// Runs the task, and fills in the message. Returns the exit code.
int runTask(Task& task, HeapPayload& message) {
  MessageHeader header;
  message.write(&header, sizeof header);
  int code = 0;
  const pid_t self = knownPid();
  try {
    task.run(message);
  } catch (...) {
    message.truncate(sizeof header);
    header.kind = MessageKind::Exception;
    encodeChain(message, describeException(std::current_exception()));
    code = 1;
  }
  if (knownPid() != self) {
    // The task forked, and its child came back from it: the result is for the parent to tell.
    ::_exit(1);
  }
  header.size = message.size() - sizeof header;
  std::memcpy(message.data(), &header, sizeof header);
  return code;
}

}  // namespace

void runChildBody(Task& task, int channel) noexcept {
  markInsideWorker();
  endAtExit();
  int code = 1;
  try {
    HeapPayload message;
    code = runTask(task, message);
    flushStandardOutput();
    // False when the parent is gone: then nobody asks.
    writeAll(channel, message.data(), message.size());
  } catch (...) {
    code = 1;  // not even the exception could be told: no memory
  }
  ::_exit(code);
}

}  // namespace procession::detail
