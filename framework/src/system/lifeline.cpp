#include "system/lifeline.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>

namespace procession::detail {

Lifeline::Lifeline() {
  const ForkPause pause;
  Pipe pipe = makePipe();
  read_ = std::move(pipe.read);
  write_ = PrivateDescriptor(std::move(pipe.write));
}

void Lifeline::holdInChild(pid_t parent) noexcept {
  write_.reset();
  const int end = read_.get();
  if (::fcntl(end, F_SETOWN, ::getpid()) != 0 || ::fcntl(end, F_SETSIG, SIGKILL) != 0 ||
      ::fcntl(end, F_SETFL, O_RDONLY | O_ASYNC) != 0 || ::fcntl(end, F_SETFD, 0) != 0) {
    ::_exit(127);
  }
  // A parent that was gone before the pipe was armed sends no signal any more.
  pollfd entry{end, POLLIN, 0};
  if (::getppid() != parent || ::poll(&entry, 1, 0) > 0) {
    ::_exit(127);
  }
}

}  // namespace procession::detail
