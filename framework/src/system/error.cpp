#include "procession/error.hpp"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace procession {

namespace {

std::string at(const Origin& origin) {
  const std::string where = origin.describe();
  return where.empty() ? "" : " (" + where + ")";
}

std::string tellThrown(const std::vector<ExceptionInfo>& chain, const Origin& origin) {
  if (chain.empty()) {
    throw std::invalid_argument("TaskError needs at least one exception to tell of");
  }
  std::string text = "the callback threw " + chain.front().type;
  const ExceptionInfo* outer = nullptr;
  for (const ExceptionInfo& info : chain) {
    if (outer != nullptr) {
      text += ", caused by " + info.type;
    }
    if (!info.message.empty()) {
      text += ": " + info.message;
    }
    outer = &info;
  }
  return text + at(origin);
}

std::string tellLost(const ProcessStatus& status, const Origin& origin) {
  std::string text = "the process that ran the callback ";
  if (status.isSignaled()) {
    text += "was " + status.describe();
  } else if (status.isExited()) {
    text += status.describe() + " before the callback returned";
  } else {
    text += "is gone";
  }
  return text + at(origin);
}

/// What the user can do about it; empty where there is nothing general to say.
std::string wayOut(int errorNumber) {
  if (errorNumber == EMFILE) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return "; this process may hold " + std::to_string(limit.rlim_cur) +
           " descriptors (RLIMIT_NOFILE): raise it with `ulimit -n " +
           std::to_string(limit.rlim_cur < 4096 ? 8192 : 2 * limit.rlim_cur) +
           "`, or use fewer workers";
  }
  if (errorNumber == ENFILE) {
    return "; the machine's table of open files is full (sysctl fs.file-max): close files or "
           "raise it";
  }
  return "";
}

std::string tellRefused(const std::string& what, int errorNumber) {
  if (errorNumber == 0) {
    return what;
  }
  const char* description = strerrordesc_np(errorNumber);
  const std::string reason =
      description != nullptr ? description : "error " + std::to_string(errorNumber);
  return what + ": " + reason + wayOut(errorNumber);
}

}  // namespace

std::string Origin::describe() const {
  std::string text;
  const auto add = [&text](const std::string& part, const char* separator) {
    text += (text.empty() ? "" : separator) + part;
  };
  if (item) {
    add("item " + std::to_string(*item), ", ");
  }
  if (rank) {
    add("rank " + std::to_string(*rank), ", ");
  }
  if (pid != 0) {
    add("pid " + std::to_string(pid), ", ");
  }
  if (!host.empty()) {
    add("on " + host, " ");
  }
  return text;
}

TaskError::TaskError(std::vector<ExceptionInfo> chain, Origin origin)
    : Error(tellThrown(chain, origin)), chain_(std::move(chain)), origin_(std::move(origin)) {}

WorkerLost::WorkerLost(ProcessStatus status, Origin origin)
    : Error(tellLost(status, origin)), status_(status), origin_(std::move(origin)) {}

TaskTimeout::TaskTimeout(std::chrono::milliseconds limit, Origin origin)
    : Error("the callback ran longer than its limit of " + std::to_string(limit.count()) +
            " ms and was killed" + at(origin)),
      limit_(limit),
      origin_(std::move(origin)) {}

Interrupted::Interrupted(const std::string& message, std::optional<int> signal)
    : Error(signal ? message + " (" + signalName(*signal) + ")" : message), signal_(signal) {}

SystemError::SystemError(const std::string& what, int errorNumber)
    : Error(tellRefused(what, errorNumber)), errorNumber_(errorNumber) {}

}  // namespace procession
