#include "system/descriptor_message.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <thread>
#include <vector>

#include "support/in_child.hpp"

namespace procession::detail {
namespace {

constexpr std::size_t kFiles = 16;

std::vector<FileDescriptor> someFiles() {
  std::vector<FileDescriptor> files;
  for (std::size_t i = 0; i < kFiles; ++i) {
    files.push_back(duplicate(STDIN_FILENO));
  }
  return files;
}

std::size_t countReceived(int socket) {
  std::array<std::byte, 8> buffer{};
  return receiveMessage(socket, buffer, true).files.size();
}

TEST(DescriptorMessageTest, FilesArriveWithTheMessage) {
  const SocketPair sockets = makeSocketPair();
  const std::array<std::byte, 1> byte{};
  EXPECT_TRUE(sendMessage(sockets.first.get(), byte, someFiles()));
  EXPECT_EQ(countReceived(sockets.second.get()), kFiles);
}

// As in a pool of many workers that have yet to start, when there are many values to share.
TEST(DescriptorMessageTest, WaitsWhileTooManyFilesAreUnderWay) {
  const auto end = test::inChild([] {
    const rlimit limit{40, 40};
    setrlimit(RLIMIT_NOFILE, &limit);
    if (geteuid() == 0 && setuid(65534) != 0) {  // root may have any number under way
      return 2;
    }
    const SocketPair sockets = makeSocketPair();
    const std::array<std::byte, 1> byte{};
    const std::vector<FileDescriptor> files = someFiles();
    std::size_t sent = 0;
    while (trySendMessage(sockets.first.get(), byte, files) == SendState::Sent) {
      ++sent;
    }
    std::jthread receiver([&] {
      for (std::size_t i = 0; i < sent; ++i) {
        countReceived(sockets.second.get());
      }
    });
    return sent < 10 && sendMessage(sockets.first.get(), byte, files) ? 0 : 1;
  });
  EXPECT_EQ(end.status, ProcessStatus::exited(0)) << end.output;
}

}  // namespace
}  // namespace procession::detail
