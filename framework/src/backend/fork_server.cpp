#include "backend/fork_server.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <span>
#include <string>

#include "backend/fork_server_process.hpp"
#include "backend/fork_server_protocol.hpp"
#include "backend/ranks.hpp"
#include "backend/shared_values.hpp"
#include "procession/detail/wire/code_address.hpp"
#include "procession/error.hpp"
#include "system/descriptor_message.hpp"
#include "system/fork.hpp"
#include "system/host_name.hpp"

namespace procession::detail {

namespace {

/// The parent's end.
struct ServerLink {
  PrivateDescriptor socket;
  pid_t pid = 0;    // 0: none was started, or it was reaped
  pid_t owner = 0;  // the process that started it; in others (workers) the link means nothing
  std::atomic<bool> isGuard = false;
};

ServerLink& link() {
  static ServerLink instance;
  return instance;
}

/// Called in handlers, too. A server that is gone is noticed by those who need workers.
void tellServer(const ServerMessage& message) {
  const int error = errno;
  static_cast<void>(
      send(link().socket.get(), &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT));
  errno = error;
}

class LinkedSpawner final : public ServerSpawner {
 public:
  LinkedSpawner() {
    SocketPair sockets = makeSocketPair();
    socket_ = PrivateDescriptor(std::move(sockets.first));
    const FileDescriptor theirs = std::move(sockets.second);
    const ServerMessage request{.kind = ServerMessage::Kind::OpenPool};
    if (!hasForkServer() ||
        !sendMessage(link().socket.get(), asBytes(request), std::span(&theirs, 1))) {
      throwGone();
    }
  }

  void start(int worker, FileDescriptor channel, const FileDescriptor& arena) override {
    const std::array<FileDescriptor, 2> files{std::move(channel), FileDescriptor(dup(arena.get()))};
    if (!files[1]) {
      throw SystemError("cannot hand memory to a worker: too many open files (raise `ulimit -n`)",
                        errno);
    }
    send({.kind = ServerMessage::Kind::Start, .worker = worker}, files);
  }

  void startChild(int number, FileDescriptor channel, FileDescriptor memory,
                  ChildBody body) override {
    const std::array<FileDescriptor, 2> files{std::move(channel), std::move(memory)};
    send({.kind = ServerMessage::Kind::Start,
          .body = reinterpret_cast<std::uintptr_t>(body),
          .worker = number},
         files);
  }

  void signal(int worker, int signal) override {
    send({.kind = ServerMessage::Kind::Signal, .worker = worker, .value = signal}, {});
  }

  [[nodiscard]] int descriptor() const override { return socket_.get(); }

  std::vector<Report> takeReports() override {
    std::vector<Report> reports;
    ServerMessage message;
    while (true) {
      const ReceivedMessage received =
          receiveMessage(socket_.get(), std::as_writable_bytes(std::span(&message, 1)), false);
      if (received.state == ReceivedMessage::State::Nothing) {
        return reports;
      }
      if (received.state == ReceivedMessage::State::Closed) {
        throwGone();
      }
      if (received.size != sizeof message || message.magic != ServerMessage::kMagic) {
        throw PayloadError("malformed message from the fork server");
      }
      reports.push_back(toReport(message));
    }
  }

 private:
  [[noreturn]] static void throwGone() {
    const Ranks* ranks = activeRanks();
    const std::string whose =
        ranks == nullptr ? "this program"
                         : "rank " + std::to_string(ranks->rank()) + " on host " + hostName();
    throw SystemError("the fork server of " + whose +
                          " has ended, and all workers with it; the pool cannot be used any more "
                          "(was it killed, or out of memory? see the kernel's log)",
                      0);
  }

  void send(const ServerMessage& message, std::span<const FileDescriptor> files) {
    if (!sendMessage(socket_.get(), asBytes(message), files)) {
      throwGone();
    }
  }

  static Report toReport(const ServerMessage& message) {
    Report report;
    report.worker = message.worker;
    if (message.kind == ServerMessage::Kind::Started) {
      report.pid = message.value;
    } else if (message.kind == ServerMessage::Kind::Failed) {
      report.type = Report::Type::Failed;
      report.errorNumber = message.value;
    } else {
      report.type = Report::Type::Ended;
      report.status = ProcessStatus::fromWaitid(message.code, message.value);
    }
    return report;
  }

  PrivateDescriptor socket_;
};

}  // namespace

void startForkServer() {
  refreshSegmentTable();  // the workers' table of loaded objects is the one of now
  SocketPair sockets = makeSocketPair();
  PrivateDescriptor ours(std::move(sockets.first));
  const pid_t pid = forkChild();
  if (pid == 0) {
    sharedValues().releaseAll();  // workers get those there are when they need them
    runForkServer(std::move(sockets.second));
  }
  // Both sides: the server may not have run yet when a launcher signals the group.
  setpgid(pid, pid);
  link().socket = std::move(ours);
  link().pid = pid;
  link().owner = getpid();
  link().isGuard = false;
}

void stopForkServer() {
  if (!hasForkServer()) {
    return;
  }
  dismissGuardian();
  link().socket.reset();
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(link().pid), &info, WEXITED) != 0 && errno == EINTR) {
  }
  link().pid = 0;
}

void guardRank(int rank) {
  if (hasForkServer()) {
    tellServer({.kind = ServerMessage::Kind::Guard, .value = rank});
    link().isGuard = true;
  }
}

void dismissGuardian() {
  if (hasForkServer() && link().isGuard) {
    tellServer({.kind = ServerMessage::Kind::Dismiss});
    link().isGuard = false;  // a handler that comes in between says it once more
  }
}

bool hasForkServer() { return link().pid != 0 && link().owner == getpid(); }

std::unique_ptr<ServerSpawner> makeServerSpawner() { return std::make_unique<LinkedSpawner>(); }

}  // namespace procession::detail
