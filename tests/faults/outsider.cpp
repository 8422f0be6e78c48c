#include "faults/outsider.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>

#include "support/begun_thread.hpp"

namespace procession::test {

namespace {

std::string pipeIn(const std::string& folder) { return folder + "/requests"; }

}  // namespace

Outsider::Outsider(const std::string& folder) : pipe_(pipeIn(folder)) {
  if (mkfifo(pipe_.c_str(), 0666) != 0) {
    throw std::system_error(errno, std::generic_category(), "making " + pipe_);
  }
  // For both directions, so that opening waits for nobody.
  requests_.reset(open(pipe_.c_str(), O_RDWR | O_CLOEXEC));
  // The program's signals are for its main thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = begunThread([this] { serve(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Outsider::~Outsider() {
  const Request leave;
  detail::writeAll(requests_.get(), &leave, sizeof leave);
  thread_.join();
  unlink(pipe_.c_str());
}

void Outsider::ask(const std::string& folder, Deed deed) {
  const Request request{getpid(), deed};
  int descriptor = -1;
  do {
    descriptor = open(pipeIn(folder).c_str(), O_RDWR | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  const detail::FileDescriptor pipe(descriptor);
  detail::writeAll(pipe.get(), &request, sizeof request);
}

void Outsider::serve() const {
  Request request;
  while (read(requests_.get(), &request, sizeof request) == sizeof request &&
         request.deed != Deed::Leave) {
    if (request.deed == Deed::Kill) {
      kill(request.pid, SIGKILL);
    } else {
      kill(request.pid, SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds(1 + request.pid % 8));
      kill(request.pid, SIGCONT);
    }
  }
}

}  // namespace procession::test
