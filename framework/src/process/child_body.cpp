#include "process/child_body.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "process/message.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "system/file_descriptor.hpp"
#include "system/fork.hpp"

namespace procession::detail {

namespace {

// Exit handlers run last in, first out. Registered in the child, these two come after those of the
// callback and before all that the parent had, which they keep from running. glibc hands every
// handler the status as its second argument.

void leaveAtExit(int status, void*) {
  flushStandardOutput();
  ::_exit(status);
}

void leaveAtQuickExit(void*, int status) { ::_exit(status); }

void keepParentsHandlersFromRunning() {
  ::on_exit(leaveAtExit, nullptr);
  std::at_quick_exit(reinterpret_cast<void (*)()>(leaveAtQuickExit));
}

/// Runs the task, and fills in the message. Returns the exit code.
int runTask(Task& task, HeapPayload& message) {
  MessageHeader header;
  message.write(&header, sizeof header);
  int code = 0;
  try {
    task.run(message);
  } catch (...) {
    message.truncate(sizeof header);
    header.kind = MessageKind::Exception;
    encodeChain(message, describeException(std::current_exception()));
    code = 1;
  }
  header.size = message.size() - sizeof header;
  std::memcpy(message.data(), &header, sizeof header);
  return code;
}

}  // namespace

void runChildBody(Task& task, int channel) noexcept {
  markInsideWorker();
  keepParentsHandlersFromRunning();
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

void flushStandardOutput() noexcept {
  try {
    std::cout.flush();
    std::clog.flush();
    std::wcout.flush();
    std::wclog.flush();
  } catch (...) {
    // A stream with exceptions on and nowhere to write: nothing to be done about it here.
  }
  std::fflush(nullptr);
}

}  // namespace procession::detail
