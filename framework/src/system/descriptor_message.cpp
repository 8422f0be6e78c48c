#include "system/descriptor_message.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

constexpr std::size_t kMostFiles = 16;
constexpr int kMostTries = 10'000;  // of a millisecond each

/// Room for the control part of a message, aligned as CMSG_FIRSTHDR wants it.
union ControlBuffer {
  cmsghdr header;
  std::array<char, CMSG_SPACE(kMostFiles * sizeof(int))> bytes;
};

void attach(msghdr& message, ControlBuffer& control, std::span<const FileDescriptor> files) {
  std::array<int, kMostFiles> descriptors{};
  for (std::size_t i = 0; i < files.size(); ++i) {
    descriptors[i] = files[i].get();
  }
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(files.size() * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(files.size() * sizeof(int));
  std::memcpy(CMSG_DATA(header), descriptors.data(), files.size() * sizeof(int));
}

std::vector<FileDescriptor> detach(msghdr& message) {
  std::vector<FileDescriptor> files;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof descriptor);
      files.emplace_back(descriptor);
    }
  }
  return files;
}

SendState send(int socket, std::span<const std::byte> bytes, std::span<const FileDescriptor> files,
               int flags) {
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  if (!files.empty()) {
    attach(message, control, files);
  }
  while (sendmsg(socket, &message, MSG_NOSIGNAL | flags) < 0) {
    if (errno == ETOOMANYREFS) {
      return SendState::NoRoom;
    }
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
      return SendState::Gone;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return SendState::NoRoom;
    }
    if (errno != EINTR) {
      throw SystemError("cannot send a message to another process", errno);
    }
  }
  return SendState::Sent;
}

}  // namespace

bool sendMessage(int socket, std::span<const std::byte> bytes,
                 std::span<const FileDescriptor> files) {
  SendState state = send(socket, bytes, files, 0);
  // While it waits for the buffer, the system does not wait for the user's descriptors that are
  // under way to arrive. Nothing tells when they have.
  for (int tries = 0; state == SendState::NoRoom; ++tries) {
    if (tries == kMostTries) {
      throw SystemError(
          "cannot hand a file to another process: too many are under way (raise `ulimit -n`)",
          ETOOMANYREFS);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    state = send(socket, bytes, files, 0);
  }
  return state == SendState::Sent;
}

SendState trySendMessage(int socket, std::span<const std::byte> bytes,
                         std::span<const FileDescriptor> files) {
  return send(socket, bytes, files, MSG_DONTWAIT);
}

ReceivedMessage receiveMessage(int socket, std::span<std::byte> buffer, bool wait) {
  iovec part{buffer.data(), buffer.size()};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  ssize_t size = 0;
  do {
    size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  } while (size < 0 && errno == EINTR);
  ReceivedMessage received;
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return received;
  }
  if (size < 0 && errno != ECONNRESET) {
    throw SystemError("cannot receive a message from another process", errno);
  }
  if (size <= 0) {
    received.state = ReceivedMessage::State::Closed;
    return received;
  }
  received.files = detach(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    throw PayloadError(
        "malformed message from another process: it is longer than messages are, or its files "
        "could not be taken (too many open files: raise `ulimit -n`)");
  }
  received.state = ReceivedMessage::State::Message;
  received.size = static_cast<std::size_t>(size);
  return received;
}

void requireSocket(int descriptor) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
    throw SystemError("the channel to another process was closed behind its owner's back", errno);
  }
}

}  // namespace procession::detail
