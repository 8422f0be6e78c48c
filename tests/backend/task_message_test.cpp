#include "backend/task_message.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "system/file_descriptor.hpp"

namespace procession::detail {
namespace {

class MessageReceiverTest : public testing::Test {
 protected:
  void send(const void* data, std::size_t size) {
    EXPECT_TRUE(writeAll(pair_.first.get(), data, size));
  }
  void sendHeader(const MessageHeader& header) { send(&header, sizeof header); }
  void close() { pair_.first.reset(); }
  bool receive() { return receiver_.receive(pair_.second.get()); }

  SocketPair pair_ = makeStreamPair();
  MessageReceiver receiver_;
};

TEST_F(MessageReceiverTest, TakesAMessageByteByByte) {
  const std::string text = "payload";
  std::string bytes(sizeof(MessageHeader), '\0');
  const MessageHeader header{.kind = MessageKind::Exception, .size = text.size()};
  std::memcpy(bytes.data(), &header, sizeof header);
  bytes += text;
  for (const char& byte : bytes) {
    EXPECT_TRUE(receive());
    EXPECT_FALSE(receiver_.isComplete());
    send(&byte, 1);
  }
  EXPECT_FALSE(receive());
  ASSERT_TRUE(receiver_.isComplete());
  EXPECT_EQ(receiver_.getKind(), MessageKind::Exception);
  const ByteView view = receiver_.getPayload()->view();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(view.data()), view.size()), text);
}

TEST_F(MessageReceiverTest, AMessageMayBeEmpty) {
  sendHeader({});
  EXPECT_FALSE(receive());
  ASSERT_TRUE(receiver_.isComplete());
  EXPECT_EQ(receiver_.getPayload()->size(), 0U);
}

TEST_F(MessageReceiverTest, NothingAtAllIsNoMessageAndNotMalformed) {
  close();
  EXPECT_FALSE(receive());
  EXPECT_FALSE(receiver_.isComplete());
  EXPECT_FALSE(receiver_.isMalformed());
}

TEST_F(MessageReceiverTest, APayloadThatBreaksOffIsNoMessage) {
  sendHeader({.size = 100});
  send("part", 4);
  EXPECT_TRUE(receive());
  close();
  EXPECT_FALSE(receive());
  EXPECT_FALSE(receiver_.isComplete());
}

TEST_F(MessageReceiverTest, AHeaderThatBreaksOffIsMalformed) {
  send("part", 4);
  EXPECT_TRUE(receive());
  close();
  EXPECT_FALSE(receive());
  EXPECT_TRUE(receiver_.isMalformed());
}

TEST_F(MessageReceiverTest, WithoutItsMagicItIsMalformed) {
  sendHeader({.magic = 1, .size = 0});
  EXPECT_FALSE(receive());
  EXPECT_TRUE(receiver_.isMalformed());
}

TEST_F(MessageReceiverTest, AnUnknownKindIsMalformed) {
  sendHeader({.kind = static_cast<MessageKind>(3)});
  EXPECT_FALSE(receive());
  EXPECT_TRUE(receiver_.isMalformed());
}

TEST_F(MessageReceiverTest, MoreBytesThanTheHeaderSaysAreMalformed) {
  MessageHeader twice[2] = {{.size = 1}, {}};
  send(&twice, sizeof twice);
  EXPECT_FALSE(receive());
  EXPECT_TRUE(receiver_.isMalformed());
}

TEST_F(MessageReceiverTest, ASizeBeyondAllMemoryIsMalformed) {
  sendHeader({.size = std::uint64_t{1} << 62});
  EXPECT_FALSE(receive());
  EXPECT_TRUE(receiver_.isMalformed());
}

}  // namespace
}  // namespace procession::detail
