#include "backend/task_message.hpp"
#include "fuzz/fuzz.hpp"
#include "system/file_descriptor.hpp"

// What the process of a task tells, as it comes off the stream in pieces.

using namespace procession::detail;  // NOLINT: a program of one function

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  procession::test::FuzzInput input(data, size);
  SocketPair sockets = makeStreamPair();
  MessageReceiver receiver;
  bool isOpen = true;
  while (isOpen && !input.isEmpty()) {
    const ByteView piece = input.take(1 + input.takeByte());
    if (!piece.empty()) {
      writeAll(sockets.first.get(), piece.data(), piece.size());
    }
    isOpen = receiver.receive(sockets.second.get());
  }
  sockets.first.reset();
  while (isOpen) {
    isOpen = receiver.receive(sockets.second.get());
  }
  static_cast<void>(receiver.getMessage());
  return 0;
}
