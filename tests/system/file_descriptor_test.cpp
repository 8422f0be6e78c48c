#include "system/file_descriptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "procession/error.hpp"
#include "support/in_child.hpp"

namespace procession::detail {
namespace {

bool isOpenNumber(int descriptor) { return fcntl(descriptor, F_GETFD) >= 0; }
bool isClosedOnExec(int descriptor) { return (fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0; }

bool isReadable(int descriptor, int milliseconds) {
  pollfd entry{descriptor, POLLIN, 0};
  return poll(&entry, 1, milliseconds) == 1;
}

std::string readToEnd(int descriptor) {
  std::string content;
  std::vector<char> buffer(1 << 16);
  for (ssize_t got = 0; (got = read(descriptor, buffer.data(), buffer.size())) > 0;) {
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return content;
}

TEST(FileDescriptorTest, ClosesWhatItHolds) {
  int number = -1;
  {
    const FileDescriptor descriptor(dup(STDIN_FILENO));
    number = descriptor.get();
    EXPECT_TRUE(isOpenNumber(number));
  }
  EXPECT_FALSE(isOpenNumber(number));
}

TEST(FileDescriptorTest, MovesAndGivesAway) {
  FileDescriptor first(dup(STDIN_FILENO));
  const int number = first.get();
  FileDescriptor second(std::move(first));
  // NOLINTNEXTLINE(bugprone-use-after-move): what is left is promised
  EXPECT_FALSE(first.isOpen());
  FileDescriptor third(dup(STDIN_FILENO));
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_EQ(third.get(), number);
  EXPECT_FALSE(isOpenNumber(replaced));
  EXPECT_EQ(third.release(), number);
  EXPECT_TRUE(isOpenNumber(number));
  close(number);
}

TEST(FileDescriptorTest, ReportsADescriptorClosedBehindItsBack) {
  const auto end = test::inChild([] {
    FileDescriptor descriptor(dup(STDIN_FILENO));
    close(descriptor.get());
    descriptor.reset();
    return 0;
  });
  EXPECT_NE(end.output.find("was closed behind its owner's back"), std::string::npos);
}

TEST(FileDescriptorTest, PipesAndSocketsAreClosedOnExec) {
  const Pipe pipe = makePipe();
  EXPECT_TRUE(isClosedOnExec(pipe.read.get()) && isClosedOnExec(pipe.write.get()));
  const SocketPair pair = makeSocketPair();
  EXPECT_TRUE(isClosedOnExec(pair.first.get()) && isClosedOnExec(pair.second.get()));
}

// Not for sanitizers, which want descriptors of their own for a look at an object's type, nor for
// valgrind, which lets sockets be opened beyond a limit that was set under it.
TEST(NoDescriptorLargeTest, RunningOutOfDescriptorsNamesTheLimit) {
  const auto end = test::inChild([] {
    const rlimit none{3, 3};
    setrlimit(RLIMIT_NOFILE, &none);
    int told = 0;
    for (auto make :
         {+[] { makePipe(); }, +[] { makeSocketPair(); }, +[] { openPidfd(getpid()); }}) {
      try {
        make();
      } catch (const SystemError& error) {
        told += error.getErrno() == EMFILE &&
                std::string(error.what()).find("ulimit -n") != std::string::npos;
      }
    }
    return told;
  });
  EXPECT_EQ(end.status.getExitCode(), 3);
}

TEST(FileDescriptorTest, APidfdTellsTheEndOfAProcess) {
  const Pipe gate = makePipe();
  const pid_t child = fork();
  if (child == 0) {
    char byte;
    _exit(read(gate.read.get(), &byte, 1) == 1 ? 0 : 1);
  }
  const FileDescriptor pidfd = openPidfd(child);
  EXPECT_TRUE(isClosedOnExec(pidfd.get()));
  EXPECT_FALSE(isReadable(pidfd.get(), 0));
  EXPECT_TRUE(writeAll(gate.write.get(), "x", 1));
  EXPECT_TRUE(isReadable(pidfd.get(), -1));
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_THROW(openPidfd(child), SystemError);
}

TEST(WriteAllTest, WritesMoreThanAPipeHolds) {
  Pipe pipe = makePipe();
  setNonBlocking(pipe.write.get());
  const std::string content(1000000, 'x');
  bool written = false;
  std::thread writer([&] {
    written = writeAll(pipe.write.get(), content.data(), content.size());
    pipe.write.reset();
  });
  const std::string received = readToEnd(pipe.read.get());
  writer.join();
  EXPECT_TRUE(written);
  EXPECT_EQ(received, content);
}

TEST(WriteAllTest, TellsThatTheOtherEndIsGone) {
  SocketPair pair = makeSocketPair();
  pair.second.reset();
  EXPECT_FALSE(writeAll(pair.first.get(), "x", 1));  // without SIGPIPE

  Pipe pipe = makePipe();
  pipe.read.reset();
  const auto before = signal(SIGPIPE, SIG_IGN);
  EXPECT_FALSE(writeAll(pipe.write.get(), "x", 1));
  signal(SIGPIPE, before);
}

TEST(WriteAllTest, OtherFailuresThrow) {
  EXPECT_THROW(writeAll(-1, "x", 1), SystemError);
  EXPECT_THROW(setNonBlocking(-1), SystemError);
}

TEST(SetNonBlockingTest, MakesReadsFailAtOnceAndBlockAgain) {
  const Pipe pipe = makePipe();
  setNonBlocking(pipe.read.get());
  char byte = 0;
  EXPECT_EQ(read(pipe.read.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  setNonBlocking(pipe.read.get(), false);
  EXPECT_EQ(fcntl(pipe.read.get(), F_GETFL) & O_NONBLOCK, 0);
}

}  // namespace
}  // namespace procession::detail
