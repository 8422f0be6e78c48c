#include "backend/arena.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "procession/error.hpp"

namespace procession::detail {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

/// Writes a pattern that tells its position.
void writePattern(PayloadWriter& writer, std::size_t size) {
  std::vector<std::uint64_t> block(512);
  for (std::size_t word = 0; writer.size() < size; word += block.size()) {
    for (std::size_t i = 0; i < block.size(); ++i) {
      block[i] = word + i;
    }
    writer.write(block.data(), std::min(block.size() * 8, size - writer.size()));
  }
}

void expectPattern(ByteView bytes, std::size_t size) {
  ASSERT_EQ(bytes.size(), size);
  for (std::size_t word = 0; word < size / 8; ++word) {
    std::uint64_t found = 0;
    std::memcpy(&found, bytes.data() + 8 * word, 8);
    ASSERT_EQ(found, word);
  }
}

/// The frame as it would arrive.
Frame frameOf(ArenaPayload& payload) {
  Frame frame;
  frame.header.place = payload.place();
  frame.header.length = payload.size();
  frame.payload = payload.inlineBytes();
  frame.file = payload.takeFile();
  return frame;
}

TEST(ArenaPayloadTest, SmallOnesTravelInlineLargerOnesInTheSlotTheLargestInAFile) {
  const struct {
    std::size_t size;
    PayloadPlace place;
  } cases[] = {{0, PayloadPlace::Inline},
               {kLargestInline, PayloadPlace::Inline},
               {kLargestInline + 1, PayloadPlace::Slot},
               {WorkerArena::kSlotBytes, PayloadPlace::Slot},
               {WorkerArena::kSlotBytes + 1, PayloadPlace::File}};
  WorkerArena arena;
  const WorkerArena otherSide(FileDescriptor(dup(arena.file().get())));
  ArenaPayload payload;
  for (const auto& [size, place] : cases) {
    payload.restart(arena.results(1));
    writePattern(payload, size);
    EXPECT_EQ(payload.place(), place) << size;
    const Frame frame = frameOf(payload);
    const ReceivedPayload received(frame, otherSide.results(1));
    expectPattern(received.view(), size);
  }
}

TEST(ArenaPayloadTest, WithoutASlotWhatOutgrowsTheFrameGoesToAFile) {
  ArenaPayload payload;
  writePattern(payload, kLargestInline + 8);
  EXPECT_EQ(payload.place(), PayloadPlace::File);
  const Frame frame = frameOf(payload);
  expectPattern(ReceivedPayload(frame, {}).view(), kLargestInline + 8);
}

TEST(ArenaPayloadTest, EveryPlaceIsAlignedToACacheLine) {
  WorkerArena arena;
  ArenaPayload payload;
  for (const std::size_t size : {std::size_t{1}, kLargestInline + 1, WorkerArena::kSlotBytes + 1}) {
    payload.restart(arena.items(0));
    payload.claim(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(payload.data()) % 64, 0u) << size;
  }
}

TEST(ArenaPayloadTest, SlotsDoNotOverlap) {
  WorkerArena arena;
  std::vector<std::span<std::byte>> regions{arena.items(0), arena.results(0), arena.items(1),
                                            arena.results(1)};
  for (std::size_t i = 0; i < regions.size(); ++i) {
    regions[i].front() = regions[i].back() = static_cast<std::byte>(i + 1);
  }
  arena.offer(0, 3);
  for (std::size_t i = 0; i < regions.size(); ++i) {
    EXPECT_EQ(regions[i].front(), static_cast<std::byte>(i + 1));
    EXPECT_EQ(regions[i].back(), static_cast<std::byte>(i + 1));
  }
}

TEST(ReceivedPayloadTest, LengthsBeyondTheMemoryTheyNameAreRefused) {
  WorkerArena arena;
  Frame frame;
  frame.header.place = PayloadPlace::Slot;
  frame.header.length = WorkerArena::kSlotBytes + 1;
  EXPECT_THROW(ReceivedPayload(frame, arena.results(0)), PayloadError);
  EXPECT_THROW(ReceivedPayload(frame, {}), PayloadError);
  frame.header.place = PayloadPlace::File;
  frame.file = makeMemoryFile(100);
  frame.header.length = 101;
  EXPECT_THROW(ReceivedPayload(frame, {}), PayloadError);
  frame.header.length = 0;
  EXPECT_TRUE(ReceivedPayload(frame, {}).view().empty());
  frame.header.place = PayloadPlace::Inline;
  frame.header.length = 1;
  EXPECT_THROW(ReceivedPayload(frame, {}), PayloadError);
}

TEST(WorkerArenaTest, RefusesMemoryOfAnotherSize) {
  EXPECT_THROW(WorkerArena(makeMemoryFile(4096)), PayloadError);
  EXPECT_THROW(WorkerArena(makeMemoryFile(0)), PayloadError);
}

TEST(WorkerArenaTest, AChunkIsBegunOrTakenBackButNotBoth) {
  WorkerArena arena;
  arena.offer(0, 5);
  EXPECT_FALSE(arena.isBegun(0, 5));
  EXPECT_FALSE(arena.begin(0, 4)) << "another chunk than the one that lies there";
  EXPECT_TRUE(arena.begin(0, 5));
  EXPECT_TRUE(arena.isBegun(0, 5));
  EXPECT_FALSE(arena.takeBack(0, 5));
  EXPECT_FALSE(arena.begin(0, 5)) << "once only";
  arena.finish(0, 5);
  EXPECT_FALSE(arena.isBegun(0, 5)) << "who finished a chunk is not on it any more";

  arena.offer(1, 6);
  EXPECT_TRUE(arena.takeBack(1, 6));
  EXPECT_FALSE(arena.begin(1, 6));
  EXPECT_FALSE(arena.isBegun(1, 6));
  arena.offer(1, 7);
  EXPECT_TRUE(arena.begin(1, 7));
}

TEST(WorkerArenaTest, OfAWorkerAndAParentThatRaceForAChunkExactlyOneGetsIt) {
  WorkerArena parent;
  WorkerArena worker(FileDescriptor(dup(parent.file().get())));
  constexpr std::uint64_t kRounds = 40;
  std::barrier start(2);
  std::vector<bool> begun(kRounds + 1);
  std::vector<bool> takenBack(kRounds + 1);
  std::jthread other([&] {
    for (std::uint64_t chunk = 1; chunk <= kRounds; ++chunk) {
      start.arrive_and_wait();
      begun[chunk] = worker.begin(chunk % 2, chunk);
      start.arrive_and_wait();
    }
  });
  for (std::uint64_t chunk = 1; chunk <= kRounds; ++chunk) {
    parent.offer(chunk % 2, chunk);
    start.arrive_and_wait();
    takenBack[chunk] = parent.takeBack(chunk % 2, chunk);
    start.arrive_and_wait();
  }
  other.join();
  for (std::uint64_t chunk = 1; chunk <= kRounds; ++chunk) {
    ASSERT_NE(begun[chunk], takenBack[chunk]) << chunk;
  }
}

TEST(WorkerArenaTest, ForgetsWhatADeadWorkerLeft) {
  WorkerArena arena;
  arena.board().item = 4711;
  arena.board().stopOperation = 3;
  arena.offer(0, 1);
  ASSERT_TRUE(arena.begin(0, 1));
  arena.reset();
  EXPECT_EQ(arena.board().item, WorkerBoard::kNoItem);
  EXPECT_EQ(arena.board().stopOperation, 0u);
  EXPECT_FALSE(arena.isBegun(0, 1));
}

TEST(WorkerArenaTest, GivesMemoryOfLargePayloadsBack) {
  WorkerArena arena;
  const auto used = [&] {
    struct stat status {};
    fstat(arena.file().get(), &status);
    return static_cast<std::size_t>(status.st_blocks) * 512;
  };
  std::ranges::fill(arena.items(0), std::byte{1});
  arena.trim(kMiB);
  EXPECT_GE(used(), WorkerArena::kSlotBytes) << "worth keeping as long as payloads are small";
  arena.trim(WorkerArena::kSlotBytes);
  EXPECT_LE(used(), WorkerArena::kSlotBytes / 2 + kMiB);
  EXPECT_EQ(arena.items(0).front(), std::byte{1});
}

}  // namespace
}  // namespace procession::detail
