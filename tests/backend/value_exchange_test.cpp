#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "backend/value_exchange.hpp"
#include "backend/value_receiver.hpp"
#include "backend/value_sender.hpp"
#include "procession/error.hpp"

// How values of nodeShared() reach the ranks of a job, over messages that are delivered in any
// order that a job may see.

namespace procession::detail {
namespace {

constexpr int kParent = 0;

/// Messages between ranks of one process. Those between two ranks stay in order.
class FakeJob {
 public:
  /// `leaders`: of each rank.
  explicit FakeJob(std::vector<int> leaders) : leaders_(std::move(leaders)) {}

  [[nodiscard]] int size() const { return static_cast<int>(leaders_.size()); }
  [[nodiscard]] int leaderOf(int rank) const { return leaders_[static_cast<std::size_t>(rank)]; }
  void post(int to, RankMessage message) {
    sent_.push_back(message.header.kind);
    mail_[{message.rank, to}].push_back(std::move(message));
  }
  std::optional<RankMessage> take(int from, int to) {
    auto& queue = mail_[{from, to}];
    if (queue.empty()) {
      return std::nullopt;
    }
    RankMessage message = std::move(queue.front());
    queue.pop_front();
    return message;
  }
  [[nodiscard]] std::ptrdiff_t countSent(RankMessageKind kind) const {
    return std::ranges::count(sent_, kind);
  }

 private:
  std::vector<int> leaders_;
  std::map<std::pair<int, int>, std::deque<RankMessage>> mail_;
  std::vector<RankMessageKind> sent_;
};

class FakeRanks final : public Ranks {
 public:
  FakeRanks(FakeJob& job, int rank) : job_(job), rank_(rank) {}

  void meet() override {}
  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return job_.size(); }
  [[nodiscard]] const std::string& hostOf(int) const override { return host_; }
  [[nodiscard]] int leaderOf(int rank) const override { return job_.leaderOf(rank); }
  [[nodiscard]] int coresOf(int) const override { return 1; }
  void send(int rank, RankHeader header, std::shared_ptr<const HeapPayload> payload) override {
    header.length = payload ? payload->size() : 0;
    job_.post(rank, {rank_, header, std::move(payload)});
  }
  void sendInPlace(int rank, RankHeader header, ByteView bytes,
                   std::shared_ptr<const void>) override {
    header.length = bytes.size();
    RankMessage message{rank_, header, nullptr};
    if (!bytes.empty()) {
      message.memory = std::make_shared<UnsealedMemory>(bytes.size());
      std::ranges::copy(bytes, message.memory->bytes().begin());
    }
    job_.post(rank, std::move(message));
  }
  std::optional<RankMessage> receive() override { return std::nullopt; }
  [[nodiscard]] bool isReceiving() const override { return false; }
  [[nodiscard]] std::size_t unsentBytes() const override { return 0; }
  [[nodiscard]] const RankTraffic& traffic() const override { return traffic_; }
  void leave() override {}
  [[noreturn]] void abort(int status) override { std::_Exit(status); }

 private:
  RankTraffic traffic_;
  FakeJob& job_;
  int rank_;
  std::string host_ = "fake";
};

/// A rank that serves.
struct Server {
  Server(FakeJob& job, int rank) : ranks(job, rank), receiver(ranks, values) {}

  FakeRanks ranks;
  SharedValues values;
  ValueReceiver receiver;
};

class ValueExchangeTest : public testing::Test {
 protected:
  // Nodes of ranks 0 and 1, of 2, 3 and 4, and of 5.
  static constexpr int kRanks = 6;

  ValueExchangeTest() {
    for (int rank = 0; rank < kRanks; ++rank) {
      servers_.push_back(std::make_unique<Server>(job_, rank));
    }
  }

  [[nodiscard]] Server& server(int rank) { return *servers_[static_cast<std::size_t>(rank)]; }

  std::uint64_t share(const std::string& text) {
    return values_.add(SealedMemory::copyOf(std::as_bytes(std::span(text))));
  }

  [[nodiscard]] std::string read(int rank, std::uint64_t id) {
    const auto memory = server(rank).values.find(id);
    return memory == nullptr ? "nothing"
                             : std::string(reinterpret_cast<const char*>(memory->bytes().data()),
                                           memory->bytes().size());
  }

  [[nodiscard]] ValuePlace placeAt(int rank, std::uint64_t id) {
    return placeOf(*server(rank).values.find(id));
  }

  /// Delivers all that is under way from one rank to another; ForgetValue as an agent does.
  bool deliver(int from, int to) {
    bool hasDelivered = false;
    while (std::optional<RankMessage> message = job_.take(from, to)) {
      hasDelivered = true;
      if (to == kParent) {
        answerWant(parent_, values_, *message);
      } else if (!server(to).receiver.handle(*message)) {
        EXPECT_EQ(message->header.kind, RankMessageKind::ForgetValue);
        server(to).values.release(message->header.first);
      }
    }
    return hasDelivered;
  }

  void deliverAll() {
    bool goesOn = true;
    while (goesOn) {
      goesOn = false;
      for (int from = 0; from < kRanks; ++from) {
        for (int to = 0; to < kRanks; ++to) {
          goesOn = deliver(from, to) || goesOn;
        }
      }
    }
  }

  void expectNobodyWaits() {
    for (int rank = 1; rank < kRanks; ++rank) {
      EXPECT_FALSE(server(rank).receiver.isWaiting()) << rank;
    }
  }

  FakeJob job_{{0, 0, 2, 2, 2, 5}};
  FakeRanks parent_{job_, kParent};
  SharedValues values_;
  ValueSender sender_{parent_, values_};
  std::vector<std::unique_ptr<Server>> servers_;
};

TEST_F(ValueExchangeTest, EachNodeIsSentTheBytesOnce) {
  const std::uint64_t id = share("a table");
  for (int rank = 0; rank < kRanks; ++rank) {
    sender_.bringTo(rank);
  }
  sender_.bringTo(3);
  deliverAll();
  for (int rank = 1; rank < kRanks; ++rank) {
    EXPECT_EQ(read(rank, id), "a table") << rank;
  }
  EXPECT_EQ(job_.countSent(RankMessageKind::ValueBytes), 2);
  EXPECT_EQ(job_.countSent(RankMessageKind::WantValue), 0);
  expectNobodyWaits();
}

TEST_F(ValueExchangeTest, TheRanksOfANodeHaveTheSameMemory) {
  const std::uint64_t id = share("a table");
  sender_.bringTo(1);
  sender_.bringTo(4);
  deliverAll();
  const auto inodeAt = [&](int rank) { return placeAt(rank, id).inode; };
  EXPECT_EQ(inodeAt(1), placeOf(*values_.find(id)).inode);
  EXPECT_EQ(inodeAt(3), inodeAt(2));
  EXPECT_EQ(inodeAt(4), inodeAt(2));
  EXPECT_NE(inodeAt(2), inodeAt(1));
  EXPECT_EQ(read(5, id), "nothing");  // it has no part in this
}

TEST_F(ValueExchangeTest, ARankWaitsForWhatItsLeaderHasYetToGet) {
  const std::uint64_t id = share("a table");
  sender_.bringTo(3);
  deliver(kParent, 3);
  EXPECT_TRUE(server(3).receiver.isWaiting());
  deliver(kParent, 2);
  EXPECT_TRUE(server(3).receiver.isWaiting());
  deliver(2, 3);
  EXPECT_FALSE(server(3).receiver.isWaiting());
  EXPECT_EQ(read(3, id), "a table");
}

TEST_F(ValueExchangeTest, ALeaderMayBeFasterThanTheParent) {
  sender_.bringTo(3);
  const std::uint64_t id = share("a table");
  sender_.bringTo(3);
  deliver(kParent, 2);
  deliver(2, 3);
  EXPECT_EQ(read(3, id), "a table");
  deliver(kParent, 3);
  EXPECT_FALSE(server(3).receiver.isWaiting());
}

TEST_F(ValueExchangeTest, WhoCannotOpenTheMemoryGetsACopy) {
  const std::uint64_t id = share("a table");
  sender_.bringTo(3);
  deliver(kParent, 2);
  deliver(kParent, 3);
  ASSERT_TRUE(job_.take(2, 3));
  RankMessage elsewhere{2, {.kind = RankMessageKind::ValuePlace, .first = id, .count = 7}, nullptr};
  const auto payload = std::make_shared<HeapPayload>();
  ValuePlace place = placeAt(2, id);
  place.inode += 1;  // as in another container: the same numbers, another file
  payload->write(&place, sizeof place);
  elsewhere.payload = payload;
  job_.post(3, std::move(elsewhere));
  deliver(2, 3);
  EXPECT_TRUE(server(3).receiver.isWaiting());
  testing::internal::CaptureStderr();
  deliverAll();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("rank 3 on fake keeps copies of its own"),
            std::string::npos);
  EXPECT_EQ(read(3, id), "a table");
  EXPECT_NE(placeAt(3, id).inode, placeAt(2, id).inode);
  expectNobodyWaits();
}

TEST_F(ValueExchangeTest, WhatIsReleasedBeforeItWasOpenedKeepsNobodyWaiting) {
  const std::uint64_t id = share("a table");
  sender_.bringTo(1);
  values_.release(id);
  sender_.forgetReleased();
  testing::internal::CaptureStderr();
  deliverAll();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(read(1, id), "nothing");
  expectNobodyWaits();
}

TEST_F(ValueExchangeTest, AReleasedValueIsGoneFromAllNodesThatHadIt) {
  const std::uint64_t first = share("first");
  sender_.bringTo(1);
  sender_.bringTo(3);
  const std::uint64_t second = share("second");
  sender_.bringTo(3);
  deliverAll();
  values_.release(first);
  sender_.forgetReleased();
  sender_.forgetReleased();
  deliverAll();
  EXPECT_EQ(job_.countSent(RankMessageKind::ForgetValue), 4);  // to ranks 1 to 4
  for (int rank = 1; rank < kRanks; ++rank) {
    EXPECT_EQ(read(rank, first), "nothing");
  }
  EXPECT_EQ(read(4, second), "second");
  EXPECT_EQ(read(1, second), "nothing");
}

TEST_F(ValueExchangeTest, NothingIsAValueToo) {
  const std::uint64_t id = share("");
  sender_.bringTo(4);
  deliverAll();
  EXPECT_EQ(read(2, id), "");
  EXPECT_EQ(read(4, id), "");
}

TEST(SharedValuesTest, AFailureToMapIsToldToWhoeverReads) {
  SharedValues values;
  values.acceptFailure(7, ENOMEM);
  EXPECT_THROW(static_cast<void>(values.read(7)), SystemError);
  EXPECT_EQ(values.find(7), nullptr);
  values.release(7);
  EXPECT_THROW(static_cast<void>(values.read(7)), std::logic_error);
}

TEST(SharedValuesTest, IdsAreNeverUsedAgainAndNoAddresses) {
  SharedValues values;
  std::uint64_t last = 0;
  for (int n = 0; n < 100; ++n) {
    const std::uint64_t id = values.add(SealedMemory::copyOf({}));
    EXPECT_GT(id, last);
    EXPECT_GE(id, std::uint64_t{1} << 48);
    values.release(id);
    last = id;
  }
}

}  // namespace
}  // namespace procession::detail
