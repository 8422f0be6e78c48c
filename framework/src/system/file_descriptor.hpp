#pragma once

#include <sys/types.h>

#include <cstddef>
#include <utility>

namespace procession::detail {

/// Owns one open descriptor. Not a stream: it buffers nothing and knows no type.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    reset(std::exchange(other.descriptor_, -1));
    return *this;
  }
  ~FileDescriptor() { reset(); }

  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool isOpen() const { return descriptor_ >= 0; }
  explicit operator bool() const { return isOpen(); }

  /// Closes what is held, then holds `descriptor`.
  void reset(int descriptor = -1) noexcept;
  /// Gives the descriptor away without closing it.
  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_ = -1;  // -1: holds none
};

/// Another descriptor of the same file, close-on-exec. Throws SystemError that names the limit when
/// descriptors run out.
FileDescriptor duplicate(int descriptor);

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

/// Close-on-exec on both ends. Throws SystemError that names the limit when descriptors run out.
Pipe makePipe();

struct SocketPair {
  FileDescriptor first;
  FileDescriptor second;
};

/// A connected pair of SOCK_SEQPACKET sockets, close-on-exec. Throws SystemError.
SocketPair makeSocketPair();

/// A connected pair of SOCK_STREAM sockets, close-on-exec. Throws SystemError.
SocketPair makeStreamPair();

/// A pidfd for `pid`, close-on-exec; readable in poll(2) once the process ended. Throws
/// SystemError.
FileDescriptor openPidfd(pid_t pid);

/// Writes all of it, through EINTR and short writes. False when the other end is gone (EPIPE;
/// SIGPIPE is not raised for sockets, and blocked by the caller for pipes). Throws SystemError on
/// other failures.
bool writeAll(int descriptor, const void* data, std::size_t size);

/// Makes reads and writes fail with EAGAIN instead of blocking.
void setNonBlocking(int descriptor, bool on = true);

}  // namespace procession::detail
