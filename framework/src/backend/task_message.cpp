#include "backend/task_message.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>

namespace procession::detail {

namespace {

// The first read takes the header, and with it the whole of a small payload.
constexpr std::size_t kFirstRead = 8192;

}  // namespace

bool MessageReceiver::receive(int socket) {
  if (state_ == State::Header && !receiveFirst(socket)) {
    return state_ == State::Header;
  }
  return state_ == State::Payload && receiveRest(socket);
}

bool MessageReceiver::receiveFirst(int socket) {
  std::byte buffer[kFirstRead];
  while (state_ == State::Header) {
    const ssize_t count = ::recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (!hasReceived(count)) {
      return false;
    }
    if (!begin(buffer, static_cast<std::size_t>(count))) {
      return false;
    }
  }
  return true;
}

bool MessageReceiver::begin(const std::byte* bytes, std::size_t size) {
  const std::size_t taken = std::min(size, sizeof header_ - headerBytes_);
  std::memcpy(reinterpret_cast<std::byte*>(&header_) + headerBytes_, bytes, taken);
  headerBytes_ += taken;
  if (headerBytes_ < sizeof header_) {
    return true;
  }
  bytes += taken;
  size -= taken;
  state_ = State::Malformed;
  if (!header_.isValid() || size > header_.size) {
    return false;
  }
  try {
    payload_ = std::make_shared<HeapPayload>();
    position_ = payload_->claim(header_.size);
  } catch (const std::exception&) {  // no memory for what it says
    return false;
  }
  std::copy_n(bytes, size, position_);
  position_ += size;
  missing_ = header_.size - size;
  state_ = missing_ == 0 ? State::Complete : State::Payload;
  return state_ == State::Payload;
}

bool MessageReceiver::receiveRest(int socket) {
  while (missing_ > 0) {
    const ssize_t count = ::recv(socket, position_, missing_, MSG_DONTWAIT);
    if (!hasReceived(count)) {
      return state_ == State::Payload;
    }
    position_ += count;
    missing_ -= static_cast<std::size_t>(count);
  }
  state_ = State::Complete;
  return false;
}

TaskMessage MessageReceiver::getMessage() const {
  if (isComplete()) {
    return {header_.kind, payload_};
  }
  return {isMalformed() ? MessageKind::Malformed : MessageKind::None, nullptr};
}

bool MessageReceiver::hasReceived(ssize_t count) {
  if (count > 0) {
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return false;
  }
  // The other end is gone. Nothing at all is what a process leaves that was killed; a part is none
  // of its doing.
  state_ = headerBytes_ == 0 || state_ == State::Payload ? State::Ended : State::Malformed;
  return false;
}

}  // namespace procession::detail
