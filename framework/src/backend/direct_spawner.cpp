#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <utility>

#include "backend/spawner.hpp"
#include "backend/worker.hpp"
#include "procession/error.hpp"
#include "system/fork.hpp"
#include "system/lifeline.hpp"

namespace procession::detail {

namespace {

class DirectSpawner final : public Spawner {
 public:
  DirectSpawner()
      : epoll_(FileDescriptor(epoll_create1(EPOLL_CLOEXEC))),
        waiting_(FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))) {
    if (!epoll_.isOpen() || !waiting_.isOpen()) {
      throw SystemError(
          errno == EMFILE ? "cannot watch worker processes: too many open files (raise `ulimit -n`)"
                          : "cannot watch worker processes",
          errno);
    }
    watch(waiting_.get());
  }

  ~DirectSpawner() override {
    for (const auto& [number, child] : children_) {
      end(child);
    }
  }

  void start(int worker, FileDescriptor channel, const FileDescriptor& arena) override {
    try {
      const pid_t pid = fork(worker, std::move(channel), arena);
      reports_.push_back({worker, Report::Type::Started, pid, 0, {}});
    } catch (const SystemError& error) {
      reports_.push_back({worker, Report::Type::Failed, 0, error.getErrno(), {}});
    }
    eventfd_write(waiting_.get(), 1);
  }

  void signal(int worker, int signal) override {
    const auto child = children_.find(worker);
    if (child != children_.end()) {
      syscall(SYS_pidfd_send_signal, child->second.pidfd.get(), signal, nullptr, 0);
    }
  }

  [[nodiscard]] int descriptor() const override { return epoll_.get(); }

  std::vector<Report> takeReports() override {
    eventfd_t count = 0;
    eventfd_read(waiting_.get(), &count);
    for (auto child = children_.begin(); child != children_.end();) {
      siginfo_t info{};
      const int result =
          waitid(P_PID, static_cast<id_t>(child->second.pid), &info, WEXITED | WNOHANG);
      if (result == 0 && info.si_pid == 0) {
        ++child;
        continue;
      }
      const ProcessStatus status = result == 0
                                       ? ProcessStatus::fromWaitid(info.si_code, info.si_status)
                                       : ProcessStatus::exited(255);  // reaped by somebody else
      reports_.push_back({child->first, Report::Type::Ended, child->second.pid, 0, status});
      child = children_.erase(child);
    }
    return std::exchange(reports_, {});
  }

 private:
  struct Child {
    pid_t pid = 0;
    PrivateDescriptor pidfd;
    Lifeline lifeline;  // ends the child when this process is gone
  };

  void watch(int descriptor) const {
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event);
  }

  static void end(const Child& child) {
    ::kill(child.pid, SIGKILL);
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
  }

  pid_t fork(int worker, FileDescriptor channel, const FileDescriptor& arena) {
    Child child;
    const pid_t parent = getpid();
    child.pid = forkChild();
    if (child.pid == 0) {
      child.lifeline.holdInChild(parent);
      ignoreGroupSignals();
      runWorker(std::move(channel), FileDescriptor(dup(arena.get())));
    }
    child.lifeline.holdInParent();
    try {
      child.pidfd = PrivateDescriptor(openPidfd(child.pid));
    } catch (const SystemError&) {  // no descriptor was left to watch it with
      end(child);
      throw;
    }
    watch(child.pidfd.get());
    const pid_t pid = child.pid;
    children_.emplace(worker, std::move(child));
    return pid;
  }

  PrivateDescriptor epoll_;
  PrivateDescriptor waiting_;  // an eventfd, readable while reports_ are there
  std::map<int, Child> children_;
  std::vector<Report> reports_;
};

}  // namespace

std::unique_ptr<Spawner> makeDirectSpawner() { return std::make_unique<DirectSpawner>(); }

}  // namespace procession::detail
