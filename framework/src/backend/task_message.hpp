#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// What the process of a task tells who started it, once, before it ends.
enum class MessageKind : std::uint32_t {
  None = 0,       // it ended without a message
  Result = 1,     // the callback's result, encoded
  Exception = 2,  // the chain of what it threw
  Malformed = 3,  // what came is no message, or too large for this process
};

/// In front of the payload.
struct MessageHeader {
  static constexpr std::uint32_t kMagic = 0x50524f43;

  std::uint32_t magic = kMagic;
  MessageKind kind = MessageKind::Result;
  std::uint64_t size = 0;  // of the payload, in bytes

  [[nodiscard]] bool isValid() const {
    return magic == kMagic && (kind == MessageKind::Result || kind == MessageKind::Exception);
  }
};

/// What came of it.
struct TaskMessage {
  MessageKind kind = MessageKind::None;
  std::shared_ptr<const HeapPayload> payload;  // of a result or an exception
};

/// Takes a message off a stream as it comes, without blocking. A large payload is read straight to
/// where it stays.
class MessageReceiver {
 public:
  /// Reads what is there. True while there may be more to come: poll for it.
  bool receive(int socket);

  /// Everything is there.
  [[nodiscard]] bool isComplete() const { return state_ == State::Complete; }
  /// What came is no message: of another size than it says, without magic, or too large for this
  /// process.
  [[nodiscard]] bool isMalformed() const { return state_ == State::Malformed; }
  /// Of a complete message.
  [[nodiscard]] MessageKind getKind() const { return header_.kind; }
  [[nodiscard]] std::shared_ptr<const HeapPayload> getPayload() const { return payload_; }
  /// Once no more will come.
  [[nodiscard]] TaskMessage getMessage() const;

 private:
  enum class State { Header, Payload, Complete, Ended, Malformed };

  bool receiveFirst(int socket);
  bool receiveRest(int socket);
  bool begin(const std::byte* bytes, std::size_t size);
  /// After recv: true when bytes came; otherwise decides on the state.
  bool hasReceived(ssize_t count);

  State state_ = State::Header;
  MessageHeader header_;
  std::size_t headerBytes_ = 0;  // of the header, so far
  std::shared_ptr<HeapPayload> payload_;
  std::byte* position_ = nullptr;  // where the next bytes of the payload go
  std::size_t missing_ = 0;        // of the payload
};

}  // namespace procession::detail
