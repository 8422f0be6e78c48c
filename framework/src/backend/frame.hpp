#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "procession/detail/wire/payload.hpp"
#include "system/file_descriptor.hpp"

namespace procession::detail {

/// What travels between a parent and a worker, over a SOCK_SEQPACKET socket. A message is one or
/// more frames; a frame is a header and, when its payload is small, the payload itself.
enum class FrameKind : std::uint16_t {
  Begin = 1,  // to the worker: an operation starts; count: 1 when each answer is to be sent at
              // once; payload: its set-up
  Run,        // to the worker: work on a chunk; payload: its items
  End,        // to the worker: the operation is over; count: 1 when it is to answer with Ended
  Share,    // to the worker: a value of nodeShared(); first: its id, length: its bytes, in the file
  Forget,   // to the worker: the value `first` is released
  Done,     // from the worker: a chunk's results
  Threw,    // from the worker: the callback threw; payload: the results of the items in front of
            // the one that threw, the exception chain, a ThrewTail
  Aborted,  // from the worker: the operation was cancelled before the chunk was done; payload: the
            // results of the items that are
  Ended,    // from the worker: its part in the operation is over
};

/// Where a frame's payload is.
enum class PayloadPlace : std::uint16_t {
  Inline = 1,  // behind the header
  Slot,        // in the slot of the worker's arena that the header names
  File,        // in a memfd that came with the message
};

struct FrameHeader {
  static constexpr std::uint32_t kMagic = 0x50524F43;  // "PROC"

  std::uint32_t magic = kMagic;
  FrameKind kind{};
  PayloadPlace place = PayloadPlace::Inline;
  std::uint32_t slot = 0;
  std::uint32_t ticket = 0;  // Run: of the hand-out, see WorkerArena::offer
  std::uint64_t operation = 0;
  std::uint64_t chunk = 0;
  std::uint64_t first =
      0;  // first item; Threw: the item that threw, WorkerBoard::kNoItem if none had begun
  std::uint64_t count = 0;        // items; Done, Threw, Aborted: that are done, from the first on
  std::uint64_t length = 0;       // payload bytes
  std::uint64_t nanoseconds = 0;  // Done: the time its callbacks took
};
static_assert(sizeof(FrameHeader) == 64, "payloads behind a header stay aligned to a cache line");

/// The end of a Threw payload.
struct ThrewTail {
  std::uint64_t resultBytes = 0;      // in front of the chain
  std::uint64_t itemNanoseconds = 0;  // that the item took until it threw; 0: not known
};

inline constexpr std::size_t kLargestInline = std::size_t{16} << 10;
inline constexpr std::size_t kLargestMessage = std::size_t{64} << 10;
inline constexpr std::size_t kMostFiles = 16;

struct Frame {
  FrameHeader header;
  ByteView payload;     // Inline only
  FileDescriptor file;  // File only
};

/// Collects frames and sends them as few messages.
class FrameSender {
 public:
  /// Sends first what is collected when the frame does not fit behind it. False: the other end is
  /// gone.
  bool add(int socket, FrameHeader header, ByteView inlinePayload = {}, FileDescriptor file = {});
  bool flush(int socket);
  [[nodiscard]] bool isEmpty() const { return size_ == 0; }
  void clear();

 private:
  alignas(64) std::array<std::byte, kLargestMessage> message_;
  std::size_t size_ = 0;
  std::vector<FileDescriptor> files_;  // in the order of the frames they belong to
};

/// Receives a message and takes it apart. Whatever arrives, it reads only what is there.
class FrameReceiver {
 public:
  enum class Outcome { Message, Nothing, Closed };

  /// The next message; with `wait` false returns Nothing when there is none. Throws PayloadError on
  /// a malformed message, SystemError.
  Outcome receive(int socket, bool wait);
  /// The frames of the last message; their payloads hold until the next receive.
  [[nodiscard]] std::vector<Frame>& frames() { return frames_; }

 private:
  void parse(std::size_t size, std::vector<FileDescriptor> files);

  alignas(64) std::array<std::byte, kLargestMessage> message_;
  std::vector<Frame> frames_;
};

}  // namespace procession::detail
