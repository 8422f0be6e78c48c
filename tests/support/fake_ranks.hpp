#pragma once

#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backend/ranks.hpp"

namespace procession::test {

/// A job whose other ranks are the test: it sees what is sent, and says what arrives.
class FakeRanks final : public detail::Ranks {
 public:
  explicit FakeRanks(std::vector<int> cores) : cores_(std::move(cores)) {}

  void meet() override {}
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return static_cast<int>(cores_.size()); }
  [[nodiscard]] const std::string& hostOf(int) const override { return host_; }
  [[nodiscard]] int leaderOf(int rank) const override { return rank; }
  [[nodiscard]] int coresOf(int rank) const override {
    return cores_[static_cast<std::size_t>(rank)];
  }
  void send(int rank, detail::RankHeader header,
            std::shared_ptr<const detail::HeapPayload> payload) override {
    sent.push_back({rank, header, std::move(payload)});
  }
  void sendInPlace(int rank, detail::RankHeader header, detail::ByteView bytes,
                   std::shared_ptr<const void>) override {
    auto copy = std::make_shared<detail::HeapPayload>();
    copy->write(bytes.data(), bytes.size());
    send(rank, header, std::move(copy));
  }
  std::optional<detail::RankMessage> receive() override {
    if (arriving.empty()) {
      return std::nullopt;
    }
    detail::RankMessage message = std::move(arriving.front());
    arriving.pop_front();
    return message;
  }
  [[nodiscard]] bool isReceiving() const override { return false; }
  [[nodiscard]] std::size_t unsentBytes() const override { return 0; }
  [[nodiscard]] const detail::RankTraffic& traffic() const override { return traffic_; }
  void leave() override {}
  [[noreturn]] void abort(int status) override { std::_Exit(status); }

  std::vector<detail::RankMessage> sent;  // to `rank`
  std::deque<detail::RankMessage> arriving;

 private:
  std::vector<int> cores_;
  detail::RankTraffic traffic_;
  std::string host_ = "nowhere";
};

}  // namespace procession::test
