#include "process/task_attempt.hpp"

#include <unistd.h>

#include <string>
#include <utility>

#include "backend/backend_choice.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"
#include "system/fork.hpp"
#include "system/host_name.hpp"

namespace procession::detail {

namespace {

Origin withItem(Origin origin, std::optional<std::uint64_t> item) {
  origin.item = item;
  return origin;
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

std::exception_ptr tellFailure(const Attempt& attempt, const TaskMessage& message,
                               const Origin& origin) {
  if (const std::optional<SystemError> refusal = attempt.getRefusal()) {
    return std::make_exception_ptr(*refusal);
  }
  if (message.kind == MessageKind::Exception) {
    return tellException(message.payload->view(), origin);
  }
  if (message.kind == MessageKind::Malformed) {
    return std::make_exception_ptr(
        PayloadError("the message of a child is malformed, or too large for this process (" +
                     origin.describe() + ")"));
  }
  return std::make_exception_ptr(WorkerLost(attempt.getStatus(), origin));
}

}  // namespace

bool runsInline() {
  if (isInsideWorker()) {
    return true;
  }
  requireSingleRank();
  return chooseBackend() == BackendKind::Serial;
}

TaskEnd concludeAttempt(const Attempt& attempt, std::optional<std::uint64_t> item) {
  TaskEnd end;
  end.status = attempt.getStatus();
  TaskMessage message = attempt.getMessage();
  const Origin origin = withItem(attempt.getOrigin(), item);
  if (end.status.isSuccess() && message.kind == MessageKind::Result) {
    end.result = std::move(message.payload);
  } else {
    end.error = tellFailure(attempt, message, origin);
  }
  end.details.host = origin.host;
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
    end.error = std::make_exception_ptr(TaskError(
        describeException(std::current_exception()),
        Origin{.item = item, .host = hostName(), .rank = std::nullopt, .pid = ::getpid()}));
    end.status = ProcessStatus::exited(1);
  }
  end.details.host = hostName();
  return end;
}

}  // namespace procession::detail
