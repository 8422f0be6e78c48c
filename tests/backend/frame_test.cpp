#include "backend/frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "backend/arena.hpp"
#include "procession/error.hpp"
#include "system/descriptor_message.hpp"

namespace procession::detail {
namespace {

using testing::HasSubstr;
using Outcome = FrameReceiver::Outcome;

std::vector<std::byte> bytesOf(const std::string& text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::string textOf(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class FrameTest : public testing::Test {
 protected:
  static FrameHeader inlineHeader(std::size_t length) {
    FrameHeader header;
    header.kind = FrameKind::Run;
    header.length = length;
    return header;
  }

  /// What the receiver says to a message of these bytes; empty when it takes it.
  std::string refusalOf(const std::vector<std::byte>& message) {
    sendMessage(sockets_.first.get(), message, {});
    try {
      receiver_.receive(sockets_.second.get(), true);
    } catch (const PayloadError& error) {
      return error.what();
    }
    return "";
  }
  std::string refusalOf(const FrameHeader& header, std::size_t bytesBehind = 0) {
    std::vector<std::byte> message(sizeof header + bytesBehind);
    std::memcpy(message.data(), &header, sizeof header);
    return refusalOf(message);
  }

  SocketPair sockets_ = makeSocketPair();
  FrameSender sender_;
  FrameReceiver receiver_;
};

TEST_F(FrameTest, FramesArriveTogetherWithTheirPayloads) {
  FrameHeader header = inlineHeader(5);
  header.slot = 1;
  header.operation = 7;
  header.chunk = 8;
  header.first = 9;
  header.count = 10;
  header.nanoseconds = 11;
  ASSERT_TRUE(sender_.add(sockets_.first.get(), header, bytesOf("hello")));
  ASSERT_TRUE(sender_.add(sockets_.first.get(), inlineHeader(0)));
  EXPECT_EQ(receiver_.receive(sockets_.second.get(), false), Outcome::Nothing)
      << "nothing is sent before flush";
  ASSERT_TRUE(sender_.flush(sockets_.first.get()));
  EXPECT_TRUE(sender_.isEmpty());

  ASSERT_EQ(receiver_.receive(sockets_.second.get(), false), Outcome::Message);
  ASSERT_EQ(receiver_.frames().size(), 2u);
  const Frame& frame = receiver_.frames()[0];
  EXPECT_EQ(std::memcmp(&frame.header, &header, sizeof header), 0);
  EXPECT_EQ(textOf(frame.payload), "hello");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(frame.payload.data()) % 64, 0u)
      << "for items that are laid out raw";
  EXPECT_TRUE(receiver_.frames()[1].payload.empty());
}

TEST_F(FrameTest, WhatDoesNotFitOneMessageTravelsInSeveral) {
  const std::vector<std::byte> large(kLargestInline, std::byte{7});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(sender_.add(sockets_.first.get(), inlineHeader(large.size()), large));
  }
  ASSERT_TRUE(sender_.flush(sockets_.first.get()));
  std::size_t frames = 0;
  int messages = 0;
  for (; receiver_.receive(sockets_.second.get(), false) == Outcome::Message; ++messages) {
    frames += receiver_.frames().size();
  }
  EXPECT_EQ(frames, 10u);
  EXPECT_GT(messages, 1);
}

TEST_F(FrameTest, FilesArriveWithTheFramesTheyBelongTo) {
  FrameHeader header;
  header.kind = FrameKind::Done;
  header.place = PayloadPlace::File;
  for (std::size_t i = 1; i <= kMostFiles + 3; ++i) {
    header.length = i;
    ASSERT_TRUE(sender_.add(sockets_.first.get(), header, {}, makeMemoryFile(i)));
    ASSERT_TRUE(sender_.add(sockets_.first.get(), inlineHeader(0)));
  }
  ASSERT_TRUE(sender_.flush(sockets_.first.get()));
  std::uint64_t expected = 0;
  while (receiver_.receive(sockets_.second.get(), false) == Outcome::Message) {
    for (const Frame& frame : receiver_.frames()) {
      if (frame.header.place == PayloadPlace::File) {
        EXPECT_EQ(frame.header.length, ++expected);
        EXPECT_EQ(sizeOfFile(frame.file.get()), expected);
      }
    }
  }
  EXPECT_EQ(expected, kMostFiles + 3);
}

TEST_F(FrameTest, AClosedEndIsToldOnBothSides) {
  sockets_.second.reset();
  ASSERT_TRUE(sender_.add(sockets_.first.get(), inlineHeader(0)));
  EXPECT_FALSE(sender_.flush(sockets_.first.get()));
  EXPECT_EQ(receiver_.receive(sockets_.first.get(), true), Outcome::Closed);
}

TEST_F(FrameTest, EachFieldOfAHeaderIsChecked) {
  EXPECT_EQ(refusalOf(inlineHeader(0)), "");
  FrameHeader header = inlineHeader(0);
  header.magic ^= 1;
  EXPECT_THAT(refusalOf(header), HasSubstr("frame mark"));
  for (const int kind : {0, static_cast<int>(FrameKind::Ended) + 1, 0xFFFF}) {
    header = inlineHeader(0);
    header.kind = static_cast<FrameKind>(kind);
    EXPECT_THAT(refusalOf(header), HasSubstr("unknown kind"));
  }
  for (const int place : {0, 4, 0xFFFF}) {
    header = inlineHeader(0);
    header.place = static_cast<PayloadPlace>(place);
    EXPECT_THAT(refusalOf(header), HasSubstr("unknown payload place"));
  }
  EXPECT_EQ(refusalOf(inlineHeader(64), 64), "");
  EXPECT_THAT(refusalOf(inlineHeader(65), 64), HasSubstr("does not fit"));
  EXPECT_THAT(refusalOf(inlineHeader(kLargestInline + 1), 2 * kLargestInline),
              HasSubstr("does not fit"));
  EXPECT_THAT(refusalOf(inlineHeader(~std::uint64_t{0}), 64), HasSubstr("does not fit"));
  header = inlineHeader(0);
  header.place = PayloadPlace::File;
  EXPECT_THAT(refusalOf(header), HasSubstr("missing"));
}

TEST_F(FrameTest, MessagesThatEndInsideAFrameAreRefused) {
  EXPECT_THAT(refusalOf(std::vector<std::byte>(sizeof(FrameHeader) - 1)),
              HasSubstr("ends inside a header"));
  const FrameHeader header = inlineHeader(0);
  std::vector<std::byte> message(sizeof header + 10);
  std::memcpy(message.data(), &header, sizeof header);
  EXPECT_THAT(refusalOf(message), HasSubstr("ends inside a header"));
}

TEST_F(FrameTest, RandomMessagesAreRefusedAndLeaveNothingOpen) {
  std::mt19937 random(4711);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::byte> message(1 + random() % 300);
    std::generate(message.begin(), message.end(), [&] { return static_cast<std::byte>(random()); });
    EXPECT_NE(refusalOf(message), "");
    FrameHeader header = inlineHeader(0);
    reinterpret_cast<std::byte*>(&header)[random() % 16] = static_cast<std::byte>(random());
    refusalOf(header, random() % 128);  // refused or not: only PayloadErrors pass
  }
}

}  // namespace
}  // namespace procession::detail
