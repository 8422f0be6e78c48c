#pragma once

#include <mpi.h>

#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/mpi/job_facts.hpp"
#include "backend/ranks.hpp"

namespace procession::detail {

/// Messages by MPI-3.1, point to point and non-blocking, over a communicator of our own.
///
/// A message is its header with a small payload behind it; a larger payload follows by itself, in
/// pieces, since MPI counts in int. The receiver asks for the pieces as soon as it has the header,
/// into the memory that the message will be.
class MpiRanks final : public Ranks {
 public:
  /// Starts MPI. Collective over all ranks of the job. Until they have met, a failure of MPI ends
  /// the job.
  MpiRanks();
  ~MpiRanks() override;

  void meet() override;
  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return static_cast<int>(facts_.size()); }
  [[nodiscard]] const std::string& hostOf(int rank) const override { return factsOf(rank).host; }
  [[nodiscard]] int leaderOf(int rank) const override { return factsOf(rank).leader; }
  [[nodiscard]] int coresOf(int rank) const override { return factsOf(rank).cores; }

  void send(int rank, RankHeader header, std::shared_ptr<const HeapPayload> payload) override;
  void sendInPlace(int rank, RankHeader header, ByteView bytes,
                   std::shared_ptr<const void> owner) override;
  std::optional<RankMessage> receive() override;
  [[nodiscard]] bool isReceiving() const override { return !incoming_.empty(); }
  [[nodiscard]] std::size_t unsentBytes() const override { return unsentBytes_; }
  [[nodiscard]] const RankTraffic& traffic() const override { return traffic_; }
  void leave() override;
  [[noreturn]] void abort(int status) override;

 private:
  /// A message on its way to another rank.
  struct Outgoing {
    std::vector<std::byte> front;       // the header, and a small payload
    std::shared_ptr<const void> owner;  // of the payload
    std::vector<MPI_Request> requests;
    std::size_t bytes = 0;
  };
  /// A message whose payload is still coming.
  struct Incoming {
    RankMessage message;
    std::vector<MPI_Request> requests;
  };

  [[nodiscard]] const RankFacts& factsOf(int rank) const {
    return facts_[static_cast<std::size_t>(rank)];
  }
  void progressSends();
  void progressReceives();
  void probe();
  void take(MPI_Message message, MPI_Status status);

  MPI_Comm communicator_ = MPI_COMM_NULL;
  bool hasThreads_ = false;
  int rank_ = 0;
  std::vector<RankFacts> facts_;
  std::list<Outgoing> outgoing_;
  std::list<Outgoing>::iterator nextOutgoing_ = outgoing_.end();  // to be looked at
  std::size_t unsentBytes_ = 0;
  RankTraffic traffic_;
  std::map<int, std::deque<Incoming>> incoming_;  // by sender, in the order of their headers
  int lastSender_ = -1;                           // of those, looked at
  std::deque<RankMessage> ready_;                 // here in whole
};

}  // namespace procession::detail
