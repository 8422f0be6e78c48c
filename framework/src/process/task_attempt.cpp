#include "process/task_attempt.hpp"

#include <unistd.h>

#include <string>

#include "backend/backend_choice.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"
#include "system/fork.hpp"
#include "system/host_name.hpp"

namespace procession::detail {

namespace {

Origin originOf(pid_t pid, std::optional<std::uint64_t> item) {
  return {.item = item, .host = hostName(), .rank = std::nullopt, .pid = pid};
}

std::exception_ptr tellException(ByteView payload, const Origin& origin) {
  try {
    PayloadReader reader(payload);
    std::vector<ExceptionInfo> chain = decodeChain(reader);
    reader.expectEnd();
    return std::make_exception_ptr(TaskError(std::move(chain), origin));
  } catch (const PayloadError&) {
    return std::current_exception();
  }
}

std::exception_ptr tellFailure(const Child& child, const Origin& origin) {
  const MessageReceiver& message = child.getMessage();
  if (message.isComplete() && message.getKind() == MessageKind::Exception) {
    return tellException(message.getPayload()->view(), origin);
  }
  if (message.isMalformed()) {
    return std::make_exception_ptr(
        PayloadError("the message of a child is malformed, or too large for this process (" +
                     origin.describe() + ")"));
  }
  return std::make_exception_ptr(WorkerLost(child.getStatus(), origin));
}

}  // namespace

bool runsInline() {
  if (isInsideWorker()) {
    return true;
  }
  requireSingleRank();
  return chooseBackend() == BackendKind::Serial;
}

TaskEnd concludeAttempt(const Child& child, std::optional<std::uint64_t> item) {
  TaskEnd end;
  end.status = child.getStatus();
  const MessageReceiver& message = child.getMessage();
  if (end.status.isSuccess() && message.isComplete() && message.getKind() == MessageKind::Result) {
    end.result = message.getPayload();
  } else {
    end.error = tellFailure(child, originOf(child.getPid(), item));
  }
  end.details.host = hostName();
  return end;
}

TaskEnd runInline(Task& task, std::optional<std::uint64_t> item) {
  TaskEnd end;
  try {
    auto payload = std::make_shared<HeapPayload>();
    task.run(*payload);
    end.result = std::move(payload);
    end.status = ProcessStatus::exited(0);
  } catch (...) {
    end.error = std::make_exception_ptr(
        TaskError(describeException(std::current_exception()), originOf(::getpid(), item)));
    end.status = ProcessStatus::exited(1);
  }
  end.details.host = hostName();
  return end;
}

}  // namespace procession::detail
