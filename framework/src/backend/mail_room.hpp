#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "backend/attention.hpp"
#include "backend/local_agent.hpp"
#include "backend/ranks.hpp"

namespace procession::detail {

/// Where the parent's messages to the agents of all ranks leave, its own rank's included, and where
/// theirs arrive: each goes to whom it is about, a pool or a task, whoever takes it in.
///
/// Thread safety: for the thread of the ranks alone, but for noteRequest().
class MailRoom {
 public:
  /// A pool or a task of the parent's.
  class Addressee {
   public:
    virtual ~Addressee() = default;
    virtual void take(RankMessage message) = 0;
    /// After noteRequest(): sends what others have asked it to.
    virtual void sendRequests() {}
  };
  /// A rank was told to stop by a signal.
  struct StopRequest {
    int signal = 0;
    bool isRepeated = false;  // not the rank's first
  };

  MailRoom(Ranks& ranks, std::unique_ptr<LocalAgent> local);

  [[nodiscard]] Ranks& ranks() { return ranks_; }
  /// Gives the addressee the number that messages about it carry.
  [[nodiscard]] std::uint32_t enter(std::shared_ptr<Addressee> addressee);
  void leave(std::uint32_t number) { addressees_.erase(number); }

  /// The parent's own agent acts at once, in the call.
  void send(int rank, const RankHeader& header,
            std::shared_ptr<const HeapPayload> payload = nullptr);

  /// Hands on what has arrived, and lets the parent's own agent work; never waits. True when
  /// anything happened.
  bool serve();
  /// The same, and waits for something to happen: at most until `until`, or until `wakeUp` is
  /// readable, and never long; the caller looks at its clock and comes again.
  bool wait(std::optional<Time> until, int wakeUp, const LocalAgent::TakeResults& take = {});
  /// Waiting, it looks for messages all the time.
  [[nodiscard]] bool isAttentive() const { return attention_.isHigh(areWorkersBusy()); }
  /// An answer will come soon.
  void expectAnswer() { attention_.renew(); }
  /// See LocalAgent.
  [[nodiscard]] int taskDescriptor() const { return local_->taskDescriptor(); }

  /// Work that the rank has, for which it shows life: a rank that is silent for 30 s while the
  /// parent waits counts as lost, and the job is aborted.
  void addWork(int rank, int count) { workOf(rank).count += count; }
  /// The parent waits from now on.
  void expectLife();

  /// The next thing that a signal would interrupt begins.
  void beginWork();
  /// It was interrupted. What ranks have told by the time that the next begins is the same request,
  /// for launchers signal all ranks.
  void noteInterruption() { isInterrupted_ = true; }
  /// The next that ranks have told, now or while nobody asked.
  std::optional<StopRequest> takeStopRequest();

  /// For other threads and for handlers: some addressee has something to send.
  void noteRequest() noexcept { hasRequest_ = true; }

 private:
  struct Work {
    int count = 0;
    Time lastHeard{0};
  };

  [[nodiscard]] Work& workOf(int rank) { return work_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] bool areWorkersBusy() const;
  bool deliverAll();
  void deliver(RankMessage message);
  void checkLife();

  Ranks& ranks_;
  std::unique_ptr<LocalAgent> local_;
  std::uint32_t lastNumber_ = 0;
  std::map<std::uint32_t, std::shared_ptr<Addressee>> addressees_;
  std::vector<Work> work_;  // by rank
  std::deque<StopRequest> stops_;
  bool isInterrupted_ = false;
  std::atomic<bool> hasRequest_ = false;
  Attention attention_;
  Time lastLifeCheck_{0};
};

/// From now on the parent has one. `local`: the agent of its own rank, which ends with it.
void openMailRoom(Ranks& ranks, std::unique_ptr<LocalAgent> local);
void closeMailRoom();
/// The parent's; null in other ranks, in forked children and where there is no job.
[[nodiscard]] MailRoom* mailRoom() noexcept;

}  // namespace procession::detail
