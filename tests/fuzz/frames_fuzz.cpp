#include <unistd.h>

#include <algorithm>
#include <vector>

#include "backend/arena.hpp"
#include "backend/frame.hpp"
#include "fuzz/fuzz.hpp"
#include "system/descriptor_message.hpp"
#include "system/shared_memory.hpp"

// A message between a parent and a worker, with the files that come with it, and the payloads that
// its frames name.

using namespace procession::detail;  // NOLINT: a program of one function

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const SocketPair sockets = makeSocketPair();
  static FrameReceiver receiver;
  static std::vector<std::byte> slot(4096);

  procession::test::FuzzInput input(data, size);
  std::vector<FileDescriptor> files(input.takeByte() % 4);
  for (FileDescriptor& file : files) {
    file = makeMemoryFile(input.takeByte());
  }
  const ByteView message = input.take(kLargestMessage);
  if (message.empty() || !sendMessage(sockets.first.get(), message, files)) {
    return 0;
  }
  procession::test::mayBeMalformed([&] {
    static_cast<void>(receiver.receive(sockets.second.get(), false));
    for (const Frame& frame : receiver.frames()) {
      procession::test::mayBeMalformed([&] {
        const ReceivedPayload payload(frame, slot);
        static volatile unsigned sink = 0;
        for (const std::byte byte : payload.view()) {
          sink = sink + static_cast<unsigned>(byte);  // it is there
        }
      });
    }
  });
  return 0;
}
