#include "system/sealed_memory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "procession/error.hpp"
#include "support/in_child.hpp"

namespace procession::detail {
namespace {

using test::inChild;

std::vector<std::byte> someBytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::byte>(i % 251);
  }
  return bytes;
}

TEST(SealedMemoryTest, HoldsWhatItWasGiven) {
  const auto bytes = someBytes(100'000);
  const SealedMemory memory = SealedMemory::copyOf(bytes);
  EXPECT_TRUE(std::ranges::equal(memory.bytes(), bytes));
}

TEST(SealedMemoryTest, IsFilledInPlace) {
  const auto bytes = someBytes(100'000);
  UnsealedMemory unsealed(bytes.size());
  std::ranges::copy(bytes, unsealed.bytes().begin());
  const SealedMemory memory = unsealed.seal();
  EXPECT_TRUE(std::ranges::equal(memory.bytes(), bytes));
}

TEST(SealedMemoryTest, MayBeEmpty) {
  EXPECT_TRUE(SealedMemory::copyOf({}).bytes().empty());
  EXPECT_TRUE(UnsealedMemory(0).seal().bytes().empty());
}

TEST(SealedMemoryTest, NobodyCanChangeIt) {
  const SealedMemory memory = SealedMemory::copyOf(someBytes(8192));
  const int file = memory.descriptor();
  EXPECT_EQ(pwrite(file, "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_NE(ftruncate(file, 1), 0);
  EXPECT_NE(ftruncate(file, 1 << 20), 0);
  EXPECT_EQ(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), MAP_FAILED);
}

TEST(SealedMemoryTest, AnotherProcessTakesItByItsDescriptor) {
  const auto bytes = someBytes(8192);
  const SealedMemory memory = SealedMemory::copyOf(bytes);
  const SealedMemory taken(duplicate(memory.descriptor()), bytes.size());
  EXPECT_TRUE(std::ranges::equal(taken.bytes(), bytes));
}

TEST(SealedMemoryTest, RefusesWhatIsNotSealedOrOfAnotherSize) {
  EXPECT_THROW(SealedMemory(makeMemoryFile(100), 100), PayloadError);
  EXPECT_THROW(SealedMemory(makeSealableMemoryFile(100), 100), PayloadError);
  const SealedMemory memory = SealedMemory::copyOf(someBytes(100));
  EXPECT_THROW(SealedMemory(duplicate(memory.descriptor()), 101), PayloadError);
  EXPECT_THROW(SealedMemory(makePipe().read, 100), PayloadError);
}

// The name keeps it away from sanitizers, which take more address space than the limit leaves.
TEST(SealedMemoryLargeTest, TellsTheSizeAndTheWayOutWhereMemoryIsShort) {
  const auto end = inChild([] {
    const rlimit limit{std::size_t{1} << 30, std::size_t{1} << 30};
    setrlimit(RLIMIT_AS, &limit);
    try {
      const UnsealedMemory memory(std::size_t{2} << 30);
    } catch (const SystemError& error) {
      dprintf(STDOUT_FILENO, "%s", error.what());
      return 0;
    }
    return 1;
  });
  EXPECT_THAT(end.output,
              testing::AllOf(testing::HasSubstr("2147483648"), testing::HasSubstr("ulimit -v")));
}

TEST(SealedMemoryTest, ChildrenHaveTheMemoryWithoutTheDescriptor) {
  const SealedMemory memory = SealedMemory::copyOf(someBytes(8192));
  const pid_t child = forkChild();
  if (child == 0) {
    const bool isOpen = fcntl(memory.descriptor(), F_GETFD) >= 0;
    _exit(!isOpen && memory.bytes()[1] == std::byte{1} ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace procession::detail
