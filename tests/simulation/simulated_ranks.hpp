#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "backend/local_agent.hpp"
#include "backend/ranks.hpp"

namespace procession::test {

/// A job of any number of ranks in one process: rank 0 is the parent, without workers; each of the
/// others has one, which is done with a chunk at once and gives its items back as results. So what
/// the parent does takes as long as it takes, and nothing else takes any time.
class SimulatedRanks final : public detail::Ranks {
 public:
  explicit SimulatedRanks(int agents) : agents_(agents) {}

  /// That the simulated ranks took, and that is not the parent's.
  [[nodiscard]] std::chrono::nanoseconds ownTime() const { return ownTime_; }

  /// From now on this rank answers with the error instead: it has no workers.
  void breakRank(int rank, std::exception_ptr error);

  void meet() override {}
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return agents_ + 1; }
  [[nodiscard]] const std::string& hostOf(int /*rank*/) const override { return host_; }
  [[nodiscard]] int leaderOf(int rank) const override { return rank; }
  [[nodiscard]] int coresOf(int rank) const override { return rank == 0 ? 0 : 1; }
  void send(int rank, detail::RankHeader header,
            std::shared_ptr<const detail::HeapPayload> payload) override;
  void sendInPlace(int, detail::RankHeader, detail::ByteView,
                   std::shared_ptr<const void>) override {
    throw std::logic_error("simulated ranks share no values");
  }
  std::optional<detail::RankMessage> receive() override;
  [[nodiscard]] bool isReceiving() const override { return false; }
  [[nodiscard]] std::size_t unsentBytes() const override { return 0; }
  [[nodiscard]] const detail::RankTraffic& traffic() const override { return traffic_; }
  void leave() override {}
  [[noreturn]] void abort(int status) override;

 private:
  void answer(int rank, const detail::RankHeader& header,
              std::shared_ptr<const detail::HeapPayload> payload);

  int agents_;
  std::string host_ = "simulated";
  std::deque<detail::RankMessage> answers_;
  detail::RankTraffic traffic_;
  std::chrono::nanoseconds ownTime_{0};
  int brokenRank_ = -1;
  std::exception_ptr error_;
};

/// The agent of a rank without workers.
class IdleLocalAgent final : public detail::LocalAgent {
 public:
  void handle(detail::RankMessage) override {}
  bool step(detail::Time, int, const TakeResults&) override { return false; }
  [[nodiscard]] bool areWorkersBusy() const override { return false; }
  [[nodiscard]] int taskDescriptor() const override { return -1; }
  std::optional<detail::RankMessage> takeAnswer() override { return std::nullopt; }
};

}  // namespace procession::test
