#include "pool/agent.hpp"

#include <poll.h>
#include <sched.h>

#include <csignal>
#include <string>
#include <utility>

#include "backend/fork_backend.hpp"
#include "backend/fork_server.hpp"
#include "procession/error.hpp"
#include "system/fork.hpp"
#include "system/signal_scope.hpp"

namespace procession::detail {

namespace {

constexpr Time kShutdownGrace = std::chrono::seconds(2);
// After the last event a rank looks for messages all the time, as the next one is often near; then
// it sleeps, waking to look.
constexpr Time kAttentive = std::chrono::milliseconds(1);
constexpr Time kNap = std::chrono::milliseconds(1);
// So that a parent can tell a rank that computes from one that is gone.
constexpr Time kSignOfLife = std::chrono::seconds(5);

/// Sleeps until `until`, or until `wakeUp` is readable.
void nap(Time until, int wakeUp) {
  const Time left = std::max(Time(0), until - steadyNow());
  const timespec timeout{left.count() / 1'000'000'000,
                         static_cast<long>(left.count() % 1'000'000'000)};
  pollfd polled{wakeUp, POLLIN, 0};
  ppoll(&polled, 1, &timeout, nullptr);
}

}  // namespace

Agent::~Agent() {
  for (auto& [number, pool] : pools_) {
    close(pool);
  }
}

bool Agent::isActive() const {
  for (const auto& [number, pool] : pools_) {
    if (pool.operation != nullptr) {
      return true;
    }
  }
  return false;
}

void Agent::handle(RankMessage message) {
  const RankHeader& header = message.header;
  if (header.kind == RankMessageKind::OpenPool) {
    open(header);
    return;
  }
  const auto found = pools_.find(header.pool);
  if (found == pools_.end()) {
    throw PayloadError("malformed message from the parent: there is no pool " +
                       std::to_string(header.pool));
  }
  Pool& pool = found->second;
  if (header.kind == RankMessageKind::ClosePool) {
    close(pool);
    pools_.erase(found);
    return;
  }
  if (header.kind == RankMessageKind::Begin) {
    begin(std::move(message));
    return;
  }
  AgentOperation* operation = pool.operation.get();
  if (operation == nullptr || operation->id() != header.operation) {
    if (header.kind == RankMessageKind::Run) {  // it failed to begin, as the parent will hear
      RankHeader aborted = header;
      aborted.kind = RankMessageKind::Aborted;
      port_.answer(aborted);
    }
    return;
  }
  switch (header.kind) {
    case RankMessageKind::Run:
      operation->run(std::move(message));
      break;
    case RankMessageKind::Recall:
      operation->recall(header.chunk);
      break;
    case RankMessageKind::Stop:
      operation->stop();
      break;
    case RankMessageKind::Signal:
      operation->signalWorkers(header.value);
      break;
    case RankMessageKind::EndOperation:
      endOperation(pool);
      break;
    default:
      throw PayloadError("malformed message from the parent: an agent was sent an answer");
  }
}

void Agent::open(const RankHeader& header) {
  Pool& pool = pools_[header.pool];
  try {
    pool.backend = std::make_unique<ForkBackend>(header.value, makeServerSpawner());
  } catch (const Error&) {
    answerError(port_, header, RankMessageKind::Failed, std::current_exception());
  }
}

void Agent::begin(RankMessage message) {
  const RankHeader header = message.header;
  Pool& pool = pools_.at(header.pool);
  if (pool.backend == nullptr) {
    answerError(port_, header, RankMessageKind::Failed,
                std::make_exception_ptr(
                    SystemError("this rank has no workers, since none could be started", 0)));
    return;
  }
  try {
    pool.operation =
        std::make_unique<AgentOperation>(*pool.backend, std::move(message), port_, stopDescriptor_);
  } catch (...) {
    answerError(port_, header, RankMessageKind::Failed, std::current_exception());
  }
}

void Agent::endOperation(Pool& pool) {
  pool.operation->end();
  pool.operation.reset();
}

void Agent::close(Pool& pool) {
  pool.operation.reset();
  if (pool.backend != nullptr) {
    try {
      pool.backend->shutdown(kShutdownGrace);
    } catch (const Error&) {
      // The fork server is gone, and the workers with it.
    }
  }
}

bool Agent::step(Time until, int wakeUp) {
  std::size_t active = 0;
  for (const auto& [number, pool] : pools_) {
    active += pool.operation != nullptr ? 1 : 0;
  }
  if (active == 0) {
    if (until > Time(0)) {
      nap(until, wakeUp);
    }
    return false;
  }
  bool hasHappened = false;
  for (auto& [number, pool] : pools_) {
    if (pool.operation != nullptr) {
      const std::uint64_t before = pool.operation->eventCount();
      // Several take turns; one may sleep on its workers' descriptors.
      pool.operation->step(active == 1 ? until : Time(0), wakeUp);
      hasHappened = hasHappened || pool.operation->eventCount() != before;
    }
  }
  return hasHappened;
}

std::optional<RankMessage> ParentsAgent::takeAnswer() {
  if (answers_.empty()) {
    return std::nullopt;
  }
  RankMessage answer = std::move(answers_.front());
  answers_.pop_front();
  return answer;
}

void ParentsAgent::answer(const RankHeader& header, std::shared_ptr<const HeapPayload> payload) {
  answers_.push_back({0, header, std::move(payload)});
}

namespace {

std::unique_ptr<ParentsAgent>& heldParentsAgent() {
  static auto* held = new std::unique_ptr<ParentsAgent>;  // handlers of exit() may still need it
  return *held;
}

}  // namespace

LocalAgent& parentsAgent() {
  if (heldParentsAgent() == nullptr) {
    heldParentsAgent() = std::make_unique<ParentsAgent>();
  }
  return *heldParentsAgent();
}

void dropParentsAgent() { heldParentsAgent().reset(); }

namespace {

/// The loop of a rank that serves.
class Service final : private AgentPort {
 public:
  explicit Service(Ranks& ranks) : ranks_(ranks), agent_(*this, signals_.getDescriptor()) {}

  void serve() {
    Time lastEvent = steadyNow();
    while (true) {
      bool hasHappened = false;
      while (std::optional<RankMessage> message = ranks_.receive()) {
        if (message->header.kind == RankMessageKind::Leave) {
          return;
        }
        agent_.handle(std::move(*message));
        hasHappened = true;
      }
      const Time now = steadyNow();
      const bool isAttentive = now - lastEvent < kAttentive;
      hasHappened =
          agent_.step(isAttentive ? Time(0) : now + kNap, signals_.getDescriptor()) || hasHappened;
      if (hasHappened) {
        lastEvent = steadyNow();
      } else if (isAttentive) {
        sched_yield();
      }
      lookAtSignals();
      showLife();
    }
  }

 private:
  void answer(const RankHeader& header, std::shared_ptr<const HeapPayload> payload) override {
    ranks_.send(0, header, std::move(payload));
    lastAnswer_ = steadyNow();
  }
  [[nodiscard]] std::size_t unsentBytes() const override { return ranks_.unsentBytes(); }

  /// The parent decides what a signal means to the job; a rank alone cannot leave it.
  void lookAtSignals() {
    if (signals_.getCount() == signalsSeen_) {
      return;
    }
    signals_.acknowledge();
    signalsSeen_ = signals_.getCount();
    dismissGuardian();  // whatever ends this rank now, it is no surprise
    RankHeader header;
    header.kind = RankMessageKind::Stopped;
    header.value = signals_.getSignal().value_or(SIGTERM);
    header.count = static_cast<std::uint64_t>(signalsSeen_);
    answer(header, nullptr);
  }

  void showLife() {
    if (agent_.isActive() && steadyNow() - lastAnswer_ > kSignOfLife) {
      RankHeader header;
      header.kind = RankMessageKind::Alive;
      answer(header, nullptr);
    }
  }

  Ranks& ranks_;
  SignalScope signals_;
  int signalsSeen_ = 0;
  Time lastAnswer_{0};
  Agent agent_;
};

}  // namespace

void serveParent(Ranks& ranks) { Service(ranks).serve(); }

}  // namespace procession::detail
