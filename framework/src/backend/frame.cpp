#include "backend/frame.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "procession/error.hpp"
#include "system/descriptor_message.hpp"

namespace procession::detail {

namespace {

constexpr std::size_t roundUp(std::size_t size) { return (size + 63) / 64 * 64; }

[[noreturn]] void throwMalformed(const std::string& what) {
  throw PayloadError("malformed message from another process: " + what);
}

void check(const FrameHeader& header, std::size_t remaining) {
  if (header.magic != FrameHeader::kMagic) {
    throwMalformed("it does not start with the frame mark");
  }
  if (header.kind < FrameKind::Begin || header.kind > FrameKind::Ended) {
    throwMalformed("unknown kind " + std::to_string(static_cast<int>(header.kind)));
  }
  if (header.place < PayloadPlace::Inline || header.place > PayloadPlace::File) {
    throwMalformed("unknown payload place " + std::to_string(static_cast<int>(header.place)));
  }
  if (header.place == PayloadPlace::Inline &&
      (header.length > kLargestInline || roundUp(header.length) > remaining)) {
    throwMalformed("a payload of " + std::to_string(header.length) + " bytes does not fit it");
  }
}

}  // namespace

bool FrameSender::add(int socket, FrameHeader header, ByteView inlinePayload, FileDescriptor file) {
  const std::size_t size = sizeof header + roundUp(inlinePayload.size());
  if ((size_ + size > message_.size() || files_.size() == kMostFiles) && !flush(socket)) {
    return false;
  }
  std::memcpy(message_.data() + size_, &header, sizeof header);
  if (!inlinePayload.empty()) {
    std::memcpy(message_.data() + size_ + sizeof header, inlinePayload.data(),
                inlinePayload.size());
  }
  const std::size_t used = sizeof header + inlinePayload.size();
  std::memset(message_.data() + size_ + used, 0, size - used);
  size_ += size;
  if (file) {
    files_.push_back(std::move(file));
  }
  return true;
}

bool FrameSender::flush(int socket) {
  if (size_ == 0) {
    return true;
  }
  const bool sent = sendMessage(socket, {message_.data(), size_}, files_);
  clear();
  return sent;
}

void FrameSender::clear() {
  size_ = 0;
  files_.clear();
}

FrameReceiver::Outcome FrameReceiver::receive(int socket, bool wait) {
  frames_.clear();
  ReceivedMessage received = receiveMessage(socket, message_, wait);
  if (received.state != ReceivedMessage::State::Message) {
    return received.state == ReceivedMessage::State::Closed ? Outcome::Closed : Outcome::Nothing;
  }
  parse(received.size, std::move(received.files));
  return Outcome::Message;
}

void FrameReceiver::parse(std::size_t size, std::vector<FileDescriptor> files) {
  std::size_t position = 0;
  std::size_t nextFile = 0;
  while (position < size) {
    Frame frame;
    if (size - position < sizeof frame.header) {
      throwMalformed("it ends inside a header");
    }
    std::memcpy(&frame.header, message_.data() + position, sizeof frame.header);
    position += sizeof frame.header;
    check(frame.header, size - position);
    if (frame.header.place == PayloadPlace::Inline) {
      frame.payload = {message_.data() + position, frame.header.length};
      position += roundUp(frame.header.length);
    } else if (frame.header.place == PayloadPlace::File) {
      if (nextFile == files.size()) {
        throwMalformed("a file that should have come with it is missing");
      }
      frame.file = std::move(files[nextFile++]);
    }
    frames_.push_back(std::move(frame));
  }
}

}  // namespace procession::detail
