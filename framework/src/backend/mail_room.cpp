#include "backend/mail_room.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "backend/value_exchange.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

// Agents show life every 5 s while they work.
constexpr Time kLongestSilence = std::chrono::seconds(30);

std::unique_ptr<MailRoom>& heldMailRoom() {
  static auto* held = new std::unique_ptr<MailRoom>;  // handlers of exit() may still need it
  return *held;
}

}  // namespace

MailRoom::MailRoom(Ranks& ranks, std::unique_ptr<LocalAgent> local)
    : ranks_(ranks), local_(std::move(local)), work_(static_cast<std::size_t>(ranks.size())) {}

std::uint32_t MailRoom::enter(std::shared_ptr<Addressee> addressee) {
  do {
    ++lastNumber_;
  } while (lastNumber_ == 0 || addressees_.contains(lastNumber_));
  addressees_.emplace(lastNumber_, std::move(addressee));
  return lastNumber_;
}

void MailRoom::send(int rank, const RankHeader& header,
                    std::shared_ptr<const HeapPayload> payload) {
  if (rank != ranks_.rank()) {
    ranks_.send(rank, header, std::move(payload));
    return;
  }
  RankMessage message{rank, header, std::move(payload)};
  message.header.length = message.bytes().size();
  local_->handle(std::move(message));
}

bool MailRoom::serve() {
  bool hasHappened = deliverAll();
  hasHappened = local_->step(Time(0), -1, {}) || hasHappened;
  hasHappened = deliverAll() || hasHappened;
  if (hasHappened) {
    attention_.renew();
  }
  return hasHappened;
}

bool MailRoom::wait(std::optional<Time> until, int wakeUp, const LocalAgent::TakeResults& take) {
  bool hasHappened = deliverAll();
  Time nap = hasHappened ? Time(0) : attention_.napEnd(areWorkersBusy());
  if (until && nap > *until) {
    nap = *until;
  }
  hasHappened = local_->step(nap, wakeUp, take) || hasHappened;
  hasHappened = deliverAll() || hasHappened;
  if (hasHappened) {
    attention_.renew();
    return true;
  }
  checkLife();
  if (isAttentive()) {
    sched_yield();
  }
  return false;
}

bool MailRoom::areWorkersBusy() const { return local_->areWorkersBusy() && ranks_.areIdle(); }

bool MailRoom::deliverAll() {
  if (hasRequest_.load(std::memory_order_relaxed) && hasRequest_.exchange(false)) {
    for (const auto& [number, addressee] : addressees_) {
      addressee->sendRequests();
    }
  }
  bool hasDelivered = false;
  while (std::optional<RankMessage> message = ranks_.receive()) {
    deliver(std::move(*message));
    hasDelivered = true;
  }
  while (std::optional<RankMessage> message = local_->takeAnswer()) {
    deliver(std::move(*message));
    hasDelivered = true;
  }
  return hasDelivered;
}

void MailRoom::deliver(RankMessage message) {
  workOf(message.rank).lastHeard = steadyNow();
  if (message.header.kind == RankMessageKind::Stopped) {
    stops_.push_back({message.header.value, message.header.count > 1});
    return;
  }
  if (message.header.kind == RankMessageKind::WantValue) {
    answerWant(ranks_, sharedValues(), message);
    return;
  }
  const auto target = addressees_.find(message.header.pool);
  if (target != addressees_.end()) {  // else it is about something that is over
    const std::shared_ptr<Addressee> addressee = target->second;  // it may leave
    addressee->take(std::move(message));
  }
}

void MailRoom::expectLife() {
  for (Work& work : work_) {
    work.lastHeard = steadyNow();
  }
}

void MailRoom::checkLife() {
  const Time now = steadyNow();
  if (now - lastLifeCheck_ < std::chrono::seconds(1)) {
    return;
  }
  lastLifeCheck_ = now;
  for (int rank = 0; rank < ranks_.size(); ++rank) {
    if (rank != ranks_.rank() && workOf(rank).count > 0 &&
        now - workOf(rank).lastHeard > kLongestSilence) {
      log(LogLevel::Error, "error: rank " + std::to_string(rank) + " on " + ranks_.hostOf(rank) +
                               " has been silent for 30 s while it has work; it counts as lost, "
                               "and the job ends");
      ranks_.abort(EXIT_FAILURE);
    }
  }
}

void MailRoom::beginWork() {
  if (std::exchange(isInterrupted_, false)) {
    deliverAll();
    stops_.clear();
  }
  expectLife();
}

std::optional<MailRoom::StopRequest> MailRoom::takeStopRequest() {
  if (stops_.empty()) {
    return std::nullopt;
  }
  const StopRequest request = stops_.front();
  stops_.pop_front();
  return request;
}

void openMailRoom(Ranks& ranks, std::unique_ptr<LocalAgent> local) {
  heldMailRoom() = std::make_unique<MailRoom>(ranks, std::move(local));
}

void closeMailRoom() { heldMailRoom().reset(); }

MailRoom* mailRoom() noexcept { return activeRanks() != nullptr ? heldMailRoom().get() : nullptr; }

}  // namespace procession::detail
