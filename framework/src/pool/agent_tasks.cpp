#include "pool/agent_tasks.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "backend/error_message.hpp"
#include "backend/shared_values.hpp"
#include "backend/value_exchange.hpp"
#include "procession/detail/wire/code_address.hpp"
#include "procession/detail/wire/codec.hpp"
#include "procession/error.hpp"
#include "system/shared_memory.hpp"

namespace procession::detail {

namespace {

constexpr std::uint32_t kSpawner = 0;  // no task has that number
constexpr std::uint32_t kOther = UINT32_MAX;

void watch(int events, int descriptor, std::uint32_t number) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = number;
  if (epoll_ctl(events, EPOLL_CTL_ADD, descriptor, &event) != 0) {
    throw SystemError("cannot watch the process of a task", errno);
  }
}

/// What the task's process reads: where shared values are, and the task.
FileDescriptor toMemoryFile(ByteView task) {
  HeapPayload places;
  writePlaces(places, sharedValues());
  FileDescriptor file = makeMemoryFile(places.size() + task.size());
  if (!writeAll(file.get(), places.data(), places.size()) ||
      !writeAll(file.get(), task.data(), task.size())) {
    throw SystemError("cannot hand a task to its process", EPIPE);
  }
  return file;
}

RankHeader answerTo(std::uint32_t number, RankMessageKind kind) {
  RankHeader header;
  header.kind = kind;
  header.pool = number;
  return header;
}

}  // namespace

void AgentTasks::start(const RankMessage& message) {
  const std::uint32_t number = message.header.pool;
  try {
    spawn(number, message.bytes());
  } catch (const SystemError& error) {
    running_.erase(number);
    RankHeader refused = answerTo(number, RankMessageKind::TaskRefused);
    refused.value = error.getErrno();
    answerError(port_, refused, RankMessageKind::TaskRefused, std::current_exception());
  }
}

void AgentTasks::prepare() {
  if (!events_.isOpen()) {
    const ForkPause pause;
    FileDescriptor events(epoll_create1(EPOLL_CLOEXEC));
    if (!events) {
      throw SystemError("cannot watch the processes of tasks", errno);
    }
    events_ = PrivateDescriptor(std::move(events));
  }
  if (spawner_ == nullptr) {
    std::unique_ptr<ServerSpawner> spawner = makeServerSpawner();
    watch(events_.get(), spawner->descriptor(), kSpawner);
    spawner_ = std::move(spawner);
  }
}

void AgentTasks::spawn(std::uint32_t number, ByteView bytes) {
  prepare();
  PayloadReader reader(bytes);
  const ChildBody body =
      resolveFunction<std::remove_pointer_t<ChildBody>>(decode<CodeAddress>(reader));
  FileDescriptor memory = toMemoryFile(reader.rest());
  RunningTask& task = running_[number];
  FileDescriptor theirs;
  {
    const ForkPause pause;
    SocketPair pair = makeStreamPair();
    task.channel = PrivateDescriptor(std::move(pair.first));
    theirs = std::move(pair.second);
  }
  watch(events_.get(), task.channel.get(), number);
  spawner_->startChild(static_cast<int>(number), std::move(theirs), std::move(memory), body);
}

void AgentTasks::signal(const RankHeader& header) {
  if (running_.contains(header.pool)) {
    spawner_->signal(static_cast<int>(header.pool), header.value);
  }
}

bool AgentTasks::step() {
  if (!hasAny()) {
    return false;
  }
  std::array<epoll_event, 64> events{};
  const int count = epoll_wait(events_.get(), events.data(), static_cast<int>(events.size()), 0);
  bool hasReports = false;
  for (int i = 0; i < count; ++i) {
    const std::uint32_t number = events[static_cast<std::size_t>(i)].data.u32;
    if (number == kSpawner) {
      hasReports = true;
    } else if (const auto task = running_.find(number); task != running_.end()) {
      task->second.receive();
    }
  }
  if (hasReports) {
    takeReports();
  }
  return count > 0;
}

void AgentTasks::RunningTask::receive() {
  if (channel.isOpen() && !message.receive(channel.get())) {
    channel.reset();  // no more will come; and nothing wakes us for it
  }
}

void AgentTasks::takeReports() {
  std::vector<Spawner::Report> reports;
  try {
    reports = spawner_->takeReports();
  } catch (const SystemError&) {
    refuseAll(std::current_exception());
    return;
  }
  for (const Spawner::Report& report : reports) {
    const auto number = static_cast<std::uint32_t>(report.worker);
    const auto task = running_.find(number);
    if (task == running_.end()) {
      continue;
    }
    if (report.type == Spawner::Report::Type::Started) {
      RankHeader header = answerTo(number, RankMessageKind::TaskStarted);
      header.value = report.pid;
      port_.answer(header);
      continue;
    }
    if (report.type == Spawner::Report::Type::Failed) {
      RankHeader header = answerTo(number, RankMessageKind::TaskRefused);
      header.value = report.errorNumber;
      port_.answer(header);
    } else {
      // First the end, then the rest of the message: so nothing that was sent is missed.
      task->second.receive();
      const TaskMessage message = task->second.message.getMessage();
      RankHeader header = answerTo(number, RankMessageKind::TaskEnded);
      header.value = report.status.getSignal().value_or(report.status.getExitCode().value_or(0));
      header.first = static_cast<std::uint64_t>(waitidCode(report.status));
      header.count = static_cast<std::uint64_t>(message.kind);
      port_.answer(header, message.payload);
    }
    running_.erase(task);
  }
}

/// The fork server is gone, and the processes with it.
void AgentTasks::refuseAll(const std::exception_ptr& error) {
  spawner_.reset();
  for (const auto& [number, task] : running_) {
    answerError(port_, answerTo(number, RankMessageKind::TaskRefused), RankMessageKind::TaskRefused,
                error);
  }
  running_.clear();
}

AgentTasks::Alarm::Alarm(const AgentTasks& tasks, int other)
    : events_(tasks.descriptor()), other_(other) {
  if (events_ >= 0 && other_ >= 0) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = kOther;
    epoll_ctl(events_, EPOLL_CTL_ADD, other_, &event);  // where it fails, a nap lasts to its end
  }
}

AgentTasks::Alarm::~Alarm() {
  if (events_ >= 0 && other_ >= 0) {
    epoll_ctl(events_, EPOLL_CTL_DEL, other_, nullptr);
  }
}

}  // namespace procession::detail
