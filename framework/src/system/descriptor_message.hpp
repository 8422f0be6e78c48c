#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "system/file_descriptor.hpp"

namespace procession::detail {

/// Sends one message over a SOCK_SEQPACKET socket, with descriptors (SCM_RIGHTS; at most 16). Waits
/// while the socket's buffer is full, and up to 10 s while as many of the user's descriptors are
/// under way as a process may hold. False when the other end is gone. Throws SystemError.
bool sendMessage(int socket, std::span<const std::byte> bytes,
                 std::span<const FileDescriptor> files);

enum class SendState { Sent, NoRoom, Gone };

/// The same without waiting: NoRoom while it would have to.
SendState trySendMessage(int socket, std::span<const std::byte> bytes,
                         std::span<const FileDescriptor> files);

struct ReceivedMessage {
  enum class State { Message, Nothing, Closed };
  State state = State::Nothing;
  std::size_t size = 0;
  std::vector<FileDescriptor> files;  // close-on-exec
};

/// Receives one message into `buffer`. Without `wait`: Nothing when there is none. A message larger
/// than the buffer is a PayloadError. Throws SystemError.
ReceivedMessage receiveMessage(int socket, std::span<std::byte> buffer, bool wait);

/// Throws SystemError when the descriptor is no socket, or no longer: somebody closed it.
void requireSocket(int descriptor);

}  // namespace procession::detail
