#include "backend/fork_server_process.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <deque>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/fork_server.hpp"
#include "backend/fork_server_protocol.hpp"
#include "backend/ranks.hpp"
#include "backend/worker.hpp"
#include "procession/error.hpp"
#include "system/descriptor_message.hpp"
#include "system/fork.hpp"
#include "system/host_name.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

/// The server's own process. It holds nothing but sockets and pidfds, and closes all of them in its
/// workers.
class ForkServer {
 public:
  explicit ForkServer(FileDescriptor main) : main_(std::move(main)), pid_(getpid()) {
    sigemptyset(&noHandlers_);
    sigemptyset(&groupSignals_);
    for (const int signal : kGroupSignals) {
      sigaddset(&groupSignals_, signal);
    }
  }

  /// Returns when the parent is gone; the workers are dead and reaped then.
  void serve() {
    bool running = true;
    while (running) {
      waitForEvents();
      reapEnded();
      running = serveMain();
      std::erase_if(pools_, [this](Pool& pool) { return !servePool(pool); });
    }
    if (guarded_) {
      log(LogLevel::Error, "error: rank " + std::to_string(*guarded_) + " on host " + hostName() +
                               " is gone; its workers end, and the job cannot go on");
    }
    for (Pool& pool : pools_) {
      endWorkers(pool);
    }
  }

 private:
  struct Worker {
    int number = 0;
    pid_t pid = 0;
    PrivateDescriptor pidfd;
    bool ended = false;
  };
  struct Pool {
    PrivateDescriptor socket;
    std::vector<Worker> workers;
    std::deque<ServerMessage> unsent;  // reports that the pool's socket has had no room for
  };

  void waitForEvents() {
    polled_.clear();
    polled_.push_back({main_.get(), POLLIN, 0});
    for (const Pool& pool : pools_) {
      const int room = pool.unsent.empty() ? 0 : POLLOUT;
      polled_.push_back({pool.socket.get(), static_cast<short>(POLLIN | room), 0});
      for (const Worker& worker : pool.workers) {
        polled_.push_back({worker.pidfd.get(), POLLIN, 0});
      }
    }
    static_cast<void>(poll(polled_.data(), polled_.size(), -1));
  }

  /// False: the parent is gone.
  bool serveMain() {
    std::optional<ReceivedMessage> received = receive(main_.get());
    if (!received) {
      return true;
    }
    if (received->state == ReceivedMessage::State::Closed) {
      return false;
    }
    if (message_.kind == ServerMessage::Kind::OpenPool && received->files.size() == 1) {
      Pool pool;
      pool.socket = PrivateDescriptor(std::move(received->files[0]));
      pools_.push_back(std::move(pool));
    } else if (message_.kind == ServerMessage::Kind::Guard) {
      guarded_ = message_.value;
      noteOwnRank(message_.value);  // of the workers to come
    } else if (message_.kind == ServerMessage::Kind::Dismiss) {
      guarded_.reset();
    }
    return true;
  }

  /// False: the pool is gone.
  bool servePool(Pool& pool) {
    flush(pool);
    while (std::optional<ReceivedMessage> received = receive(pool.socket.get())) {
      if (received->state == ReceivedMessage::State::Closed) {
        endWorkers(pool);
        return false;
      }
      if (message_.kind == ServerMessage::Kind::Start && received->files.size() == 2) {
        start(pool, std::move(received->files[0]), std::move(received->files[1]));
      } else if (message_.kind == ServerMessage::Kind::Start) {
        report(pool,
               {.kind = ServerMessage::Kind::Failed, .worker = message_.worker, .value = EMFILE});
      } else if (message_.kind == ServerMessage::Kind::Signal) {
        signal(pool, message_.worker, message_.value);
      }
    }
    return true;
  }

  /// The next message into message_; nothing when none waits or it is malformed.
  std::optional<ReceivedMessage> receive(int socket) {
    ReceivedMessage received;
    try {
      received = receiveMessage(socket, std::as_writable_bytes(std::span(&message_, 1)), false);
    } catch (const PayloadError&) {
      // Descriptors ran out: the message is there, its files are not.
      received.state = ReceivedMessage::State::Message;
      received.size = sizeof message_;
    }
    if (received.state == ReceivedMessage::State::Nothing) {
      return std::nullopt;
    }
    if (received.state == ReceivedMessage::State::Message &&
        (received.size != sizeof message_ || message_.magic != ServerMessage::kMagic)) {
      return std::nullopt;
    }
    return received;
  }

  void start(Pool& pool, FileDescriptor channel, FileDescriptor memory) {
    const int number = message_.worker;
    const auto body = reinterpret_cast<ChildBody>(static_cast<std::uintptr_t>(message_.body));
    pid_t pid = 0;
    try {
      // Who is no worker has the group's signals as any process, before one can reach it.
      pid = forkChild(body == nullptr ? noHandlers_ : groupSignals_);
      if (pid == 0) {
        becomeChild(std::move(channel), std::move(memory), body);
      }
      pool.workers.push_back({number, pid, PrivateDescriptor(openPidfd(pid)), false});
      report(pool, {.kind = ServerMessage::Kind::Started, .worker = number, .value = pid});
    } catch (const SystemError& error) {
      if (pid != 0) {  // no descriptor was left to watch it with
        ::kill(pid, SIGKILL);
        reap(pid);
      }
      report(pool,
             {.kind = ServerMessage::Kind::Failed, .worker = number, .value = error.getErrno()});
    }
  }

  [[noreturn]] void becomeChild(FileDescriptor channel, FileDescriptor memory,
                                ChildBody body) const {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != pid_) {
      _exit(1);
    }
    (body != nullptr ? body : runWorker)(std::move(channel), std::move(memory));
    _exit(1);  // never: neither returns
  }

  static void signal(const Pool& pool, int number, int signal) {
    for (const Worker& worker : pool.workers) {
      if (worker.number == number) {
        syscall(SYS_pidfd_send_signal, worker.pidfd.get(), signal, nullptr, 0);
      }
    }
  }

  void reapEnded() {
    for (Pool& pool : pools_) {
      for (Worker& worker : pool.workers) {
        siginfo_t info{};
        if (waitid(P_PID, static_cast<id_t>(worker.pid), &info, WEXITED | WNOHANG) == 0 &&
            info.si_pid != 0) {
          worker.ended = true;
          report(pool, {.kind = ServerMessage::Kind::Ended,
                        .worker = worker.number,
                        .value = info.si_status,
                        .code = info.si_code});
        }
      }
      std::erase_if(pool.workers, [](const Worker& worker) { return worker.ended; });
    }
  }

  static void endWorkers(Pool& pool) {
    for (const Worker& worker : pool.workers) {
      ::kill(worker.pid, SIGKILL);
    }
    for (const Worker& worker : pool.workers) {
      reap(worker.pid);
    }
    pool.workers.clear();
  }

  static void reap(pid_t pid) {
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
  }

  static void report(Pool& pool, const ServerMessage& message) {
    pool.unsent.push_back(message);
    flush(pool);
  }

  /// Never waits for the parent, which may be waiting for the server: a pool asks for all of its
  /// workers before it takes the first report.
  static void flush(Pool& pool) {
    // A pool that is gone is noticed when its socket is read.
    while (!pool.unsent.empty() && trySendMessage(pool.socket.get(), asBytes(pool.unsent.front()),
                                                  {}) != SendState::NoRoom) {
      pool.unsent.pop_front();
    }
  }

  PrivateDescriptor main_;
  pid_t pid_;
  sigset_t noHandlers_;  // the parent's were reset when the server was forked
  sigset_t groupSignals_;
  std::list<Pool> pools_;
  std::vector<pollfd> polled_;
  std::optional<int> guarded_;  // the rank whose end would be a surprise
  ServerMessage message_;
};

}  // namespace

void runForkServer(FileDescriptor socket) {
  // Out of the process group that launchers and terminals signal as a whole: the parent decides
  // what is passed on.
  setpgid(0, 0);
  prctl(PR_SET_NAME, "procession-fork");
  ignoreGroupSignals();
  std::signal(SIGCHLD, SIG_DFL);  // ignored, it would keep from us how workers end
  // Blocked, not ignored: a worker has them unblocked and deadly from its first moment.
  sigset_t deadly;
  sigemptyset(&deadly);
  sigaddset(&deadly, SIGQUIT);
  sigaddset(&deadly, SIGTERM);
  sigprocmask(SIG_BLOCK, &deadly, nullptr);
  markInsideWorker();
  int status = 0;
  try {
    ForkServer(std::move(socket)).serve();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "procession: the fork server ends: %s\n", error.what());
    status = 1;
  }
  _exit(status);
}

}  // namespace procession::detail
