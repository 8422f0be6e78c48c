#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace procession::detail {

/// One message between the parent and its fork server. Fixed in size, so that a message is whole or
/// not there.
struct ServerMessage {
  static constexpr std::uint32_t kMagic = 0x46534552;  // "FSER"

  enum class Kind : std::uint32_t {
    OpenPool =
        1,   // to the server, over its main socket; with the server's end of the pool's own socket
    Start,   // to the server; with the worker's end of its channel, and its arena; body: 0, or what
             // the child does instead of being a worker
    Signal,  // to the server; value: the signal
    Started,  // from the server; value: the pid
    Failed,   // from the server; value: errno
    Ended,    // from the server; value: si_status, code: si_code
    Guard,    // to the server, over its main socket; value: the rank that its parent is
    Dismiss,  // to the server, over its main socket
  };

  std::uint32_t magic = kMagic;
  Kind kind{};
  std::uint64_t body = 0;  // a ChildBody, by its address: the server is a fork of its parent
  std::int32_t worker = 0;
  std::int32_t value = 0;
  std::int32_t code = 0;
  std::uint32_t unused = 0;  // instead of padding, which would be sent without a value
};

[[nodiscard]] inline std::span<const std::byte> asBytes(const ServerMessage& message) {
  return std::as_bytes(std::span(&message, 1));
}

}  // namespace procession::detail
