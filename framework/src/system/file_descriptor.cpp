#include "system/file_descriptor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "procession/error.hpp"
#include "system/log.hpp"

namespace procession::detail {

void FileDescriptor::reset(int descriptor) noexcept {
  const int old = std::exchange(descriptor_, descriptor);
  // close is never repeated: after EINTR the descriptor is gone, and its number may be another
  // thread's by now.
  if (old >= 0 && ::close(old) != 0 && errno == EBADF) {
    log(LogLevel::Error,
        "descriptor " + std::to_string(old) + " was closed behind its owner's back");
  }
}

FileDescriptor duplicate(int descriptor) {
  FileDescriptor copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!copy) {
    throw SystemError("cannot hand on a file", errno);
  }
  return copy;
}

Pipe makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw SystemError("cannot make a pipe", errno);
  }
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

namespace {

SocketPair makePairOfSockets(int type) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) {
    throw SystemError("cannot make a pair of sockets", errno);
  }
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

}  // namespace

SocketPair makeSocketPair() { return makePairOfSockets(SOCK_SEQPACKET); }

SocketPair makeStreamPair() { return makePairOfSockets(SOCK_STREAM); }

FileDescriptor openPidfd(pid_t pid) {
  // The wrapper came with glibc 2.36; the call itself is older.
  const long descriptor = ::syscall(SYS_pidfd_open, pid, 0);
  if (descriptor < 0) {
    throw SystemError("cannot watch process " + std::to_string(pid), errno);
  }
  return FileDescriptor(static_cast<int>(descriptor));
}

namespace {

void waitUntilWritable(int descriptor) {
  pollfd entry{descriptor, POLLOUT, 0};
  while (::poll(&entry, 1, -1) < 0) {
    if (errno != EINTR) {
      throw SystemError("cannot wait for descriptor " + std::to_string(descriptor), errno);
    }
  }
}

}  // namespace

bool writeAll(int descriptor, const void* data, std::size_t size) {
  const char* position = static_cast<const char*>(data);
  bool isSocket = true;
  do {
    const ssize_t written = isSocket ? ::send(descriptor, position, size, MSG_NOSIGNAL)
                                     : ::write(descriptor, position, size);
    if (written >= 0) {
      position += written;
      size -= static_cast<std::size_t>(written);
    } else if (errno == ENOTSOCK) {
      isSocket = false;
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return false;
    } else if (errno == EAGAIN) {
      waitUntilWritable(descriptor);
    } else if (errno != EINTR) {
      throw SystemError("cannot write to descriptor " + std::to_string(descriptor), errno);
    }
  } while (size > 0);
  return true;
}

void setNonBlocking(int descriptor, bool on) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 ||
      ::fcntl(descriptor, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) != 0) {
    throw SystemError("cannot set the mode of descriptor " + std::to_string(descriptor), errno);
  }
}

}  // namespace procession::detail
