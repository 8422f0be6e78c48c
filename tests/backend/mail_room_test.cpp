#include "backend/mail_room.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <vector>

#include "support/fake_ranks.hpp"

namespace procession::detail {
namespace {

/// Answers each message with an Alive to its number.
class EchoingAgent final : public LocalAgent {
 public:
  void handle(RankMessage message) override {
    message.header.kind = RankMessageKind::Alive;
    answers_.push_back(std::move(message));
  }
  bool step(Time, int, const TakeResults&) override { return false; }
  [[nodiscard]] bool areWorkersBusy() const override { return false; }
  [[nodiscard]] int taskDescriptor() const override { return -1; }
  std::optional<RankMessage> takeAnswer() override {
    if (answers_.empty()) {
      return std::nullopt;
    }
    RankMessage answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
  }

 private:
  std::deque<RankMessage> answers_;
};

struct Inbox final : MailRoom::Addressee {
  void take(RankMessage message) override { ranks.push_back(message.rank); }
  void sendRequests() override { ++requests; }
  std::vector<int> ranks;  // of the senders
  int requests = 0;
};

class MailRoomTest : public testing::Test {
 protected:
  void arrive(int rank, RankMessageKind kind, std::uint32_t number, std::uint64_t count = 0) {
    RankHeader header;
    header.kind = kind;
    header.pool = number;
    header.value = SIGTERM;
    header.count = count;
    ranks_.arriving.push_back({rank, header, nullptr});
  }

  test::FakeRanks ranks_{{1, 1, 1}};
  MailRoom room_{ranks_, std::make_unique<EchoingAgent>()};
};

TEST_F(MailRoomTest, AMessageGoesToWhomItIsAbout) {
  const auto first = std::make_shared<Inbox>();
  const auto second = std::make_shared<Inbox>();
  const std::uint32_t one = room_.enter(first);
  const std::uint32_t two = room_.enter(second);
  EXPECT_NE(one, two);
  arrive(1, RankMessageKind::Done, two);
  arrive(2, RankMessageKind::Done, one);
  arrive(2, RankMessageKind::Done, two);
  EXPECT_TRUE(room_.serve());
  EXPECT_EQ(first->ranks, std::vector{2});
  EXPECT_EQ(second->ranks, (std::vector{1, 2}));
  EXPECT_FALSE(room_.serve());
}

TEST_F(MailRoomTest, WhatIsAboutSomethingThatIsOverIsDropped) {
  const auto inbox = std::make_shared<Inbox>();
  const std::uint32_t number = room_.enter(inbox);
  room_.leave(number);
  arrive(1, RankMessageKind::Done, number);
  EXPECT_TRUE(room_.serve());
  EXPECT_TRUE(inbox->ranks.empty());
}

TEST_F(MailRoomTest, TheParentsOwnAgentIsCalledAndTheOthersAreSentTo) {
  const auto inbox = std::make_shared<Inbox>();
  RankHeader header;
  header.pool = room_.enter(inbox);
  room_.send(0, header);
  room_.send(2, header);
  ASSERT_EQ(ranks_.sent.size(), 1U);
  EXPECT_EQ(ranks_.sent[0].rank, 2);
  room_.serve();
  EXPECT_EQ(inbox->ranks, std::vector{0});
}

TEST_F(MailRoomTest, ThatARankWasToldToStopWaitsForTheNextWhoAsks) {
  arrive(1, RankMessageKind::Stopped, 0, 1);
  room_.serve();
  room_.beginWork();
  const auto request = room_.takeStopRequest();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->signal, SIGTERM);
  EXPECT_FALSE(request->isRepeated);
  EXPECT_FALSE(room_.takeStopRequest());
}

TEST_F(MailRoomTest, WhatTheOthersToldOfAnInterruptionDoesNotEndTheNextWork) {
  arrive(1, RankMessageKind::Stopped, 0, 1);
  room_.serve();
  EXPECT_TRUE(room_.takeStopRequest());
  room_.noteInterruption();
  arrive(2, RankMessageKind::Stopped, 0, 1);  // not looked at before the next begins
  room_.beginWork();
  EXPECT_FALSE(room_.takeStopRequest());
  arrive(2, RankMessageKind::Stopped, 0, 2);
  room_.serve();
  const auto request = room_.takeStopRequest();
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->isRepeated);
}

TEST_F(MailRoomTest, RequestsAreSentOnceAtTheNextTurn) {
  const auto inbox = std::make_shared<Inbox>();
  static_cast<void>(room_.enter(inbox));
  room_.serve();
  EXPECT_EQ(inbox->requests, 0);
  room_.noteRequest();
  room_.serve();
  room_.serve();
  EXPECT_EQ(inbox->requests, 1);
}

}  // namespace
}  // namespace procession::detail
