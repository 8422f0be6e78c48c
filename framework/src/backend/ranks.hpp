#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backend/rank_message.hpp"

namespace procession::detail {

/// What a rank has sent to others and got from them, headers included.
struct RankTraffic {
  std::uint64_t messagesSent = 0;
  std::uint64_t bytesSent = 0;
  std::uint64_t messagesReceived = 0;
  std::uint64_t bytesReceived = 0;

  [[nodiscard]] RankTraffic since(const RankTraffic& earlier) const;
  /// "2 messages of 128 bytes sent, 1 of 64 received".
  [[nodiscard]] std::string describe() const;
};

/// The rank that this process is, or whose worker it is; empty outside of a job.
[[nodiscard]] std::optional<int> ownRank();
/// In a worker that is forked by a process without ranks, the fork server.
void noteOwnRank(int rank);

/// The ranks of the job that this process is one of, and the messages between them. Rank 0 is the
/// parent. Implemented by the mpi component; nothing above it knows MPI.
///
/// No call waits for another rank except settle() and leave(). Sends are under way until receive()
/// or settle() finds them finished: so every rank that calls receive() again and again takes in
/// whatever the others send, and no two can wait for each other.
///
/// Thread safety: none; everything happens in the thread that called Application::run.
class Ranks {
 public:
  Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  virtual ~Ranks() = default;

  /// To be called first. Collective: all ranks return, or all throw an MpiError that says what
  /// keeps them from working together: another program, another version or another environment on
  /// one of them. Then leave() is all that may follow.
  virtual void meet() = 0;
  [[nodiscard]] virtual int rank() const = 0;
  [[nodiscard]] virtual int size() const = 0;
  [[nodiscard]] virtual const std::string& hostOf(int rank) const = 0;
  /// The lowest of the ranks that share a node with it.
  [[nodiscard]] virtual int leaderOf(int rank) const = 0;
  /// Worker processes that the rank can keep busy: its share of its node's cores. At least 1.
  [[nodiscard]] virtual int coresOf(int rank) const = 0;

  /// The header's length is set from the payload. Throws MpiError.
  virtual void send(int rank, RankHeader header,
                    std::shared_ptr<const HeapPayload> payload = nullptr) = 0;
  /// The same with bytes that `owner` keeps until they have left.
  virtual void sendInPlace(int rank, RankHeader header, ByteView bytes,
                           std::shared_ptr<const void> owner) = 0;
  /// The next message that is here in whole; never waits. Throws MpiError.
  virtual std::optional<RankMessage> receive() = 0;
  /// A message has come in part.
  [[nodiscard]] virtual bool isReceiving() const = 0;
  /// Bytes on their way to others.
  [[nodiscard]] virtual std::size_t unsentBytes() const = 0;
  /// Nothing is in the midst of being sent or received.
  [[nodiscard]] bool areIdle() const { return !isReceiving() && unsentBytes() == 0; }
  /// Since meet().
  [[nodiscard]] virtual const RankTraffic& traffic() const = 0;
  /// Ends this rank's part in the job once what it sent has left: collective, every rank calls it.
  /// Afterwards only destruction.
  virtual void leave() = 0;
  /// Ends all ranks at once, for a job that cannot go on.
  [[noreturn]] virtual void abort(int status) = 0;
};

/// How the mpi component makes itself known to the core, which does not know it: called before
/// main().
using RanksStarter = std::unique_ptr<Ranks> (*)();
void offerRanks(RanksStarter start) noexcept;
[[nodiscard]] bool areRanksOffered() noexcept;

/// Starts MPI. Throws Error.
void startRanks();
/// The job's; null before startRanks(), after leaveRanks(), and in forked children.
[[nodiscard]] Ranks* activeRanks() noexcept;
void leaveRanks();
/// This is the thread that started the ranks: it alone sends and receives.
[[nodiscard]] bool isRanksThread() noexcept;
/// Throws std::logic_error in another thread.
void requireRanksThread();
/// To be called before this process forks a task of its own. In a rank, where networks may not
/// stand a fork, it is told once; with PROCESSION_FORK_AFTER_MPI=off it is a PortabilityError.
void noteFork();
/// This process, or the one that forked it, started ranks.
[[nodiscard]] bool isOfJob() noexcept;

}  // namespace procession::detail
