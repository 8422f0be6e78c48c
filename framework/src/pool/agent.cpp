#include "pool/agent.hpp"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

#include "backend/attention.hpp"
#include "backend/fork_backend.hpp"
#include "backend/fork_server.hpp"
#include "backend/shared_values.hpp"
#include "backend/value_receiver.hpp"
#include "procession/error.hpp"
#include "system/fork.hpp"
#include "system/signal_scope.hpp"

namespace procession::detail {

namespace {

constexpr Time kShutdownGrace = std::chrono::seconds(2);
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
  if (tasks_.hasAny()) {
    return true;
  }
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
  if (header.kind == RankMessageKind::StartTask) {
    tasks_.start(message);
    return;
  }
  if (header.kind == RankMessageKind::SignalTask) {
    tasks_.signal(header);
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
      aborted.count = 0;
      port_.answer(aborted);
    } else if (header.kind == RankMessageKind::EndOperation) {
      answerEnd(header);
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
      answerEnd(header);
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

void Agent::answerEnd(RankHeader header) {
  if (header.value != 0) {
    header.kind = RankMessageKind::Ended;
    port_.answer(header);
  }
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

bool Agent::areWorkersBusy() const {
  return std::ranges::any_of(pools_, [](const auto& pool) {
    const AgentOperation* operation = pool.second.operation.get();
    return operation != nullptr && operation->areWorkersBusy();
  });
}

bool Agent::step(Time until, int wakeUp) {
  bool hasHappened = tasks_.step();
  if (hasHappened) {
    until = Time(0);
  }
  std::optional<AgentTasks::Alarm> alarm;
  if (until > Time(0)) {
    alarm.emplace(tasks_, wakeUp);
    wakeUp = alarm->descriptor();
  }
  std::size_t active = 0;
  for (const auto& [number, pool] : pools_) {
    active += pool.operation != nullptr ? 1 : 0;
  }
  if (active == 0 && until > Time(0)) {
    nap(until, wakeUp);
  }
  for (auto& [number, pool] : pools_) {
    if (pool.operation != nullptr) {
      const std::uint64_t before = pool.operation->eventCount();
      // Several take turns; one may sleep on its workers' descriptors.
      pool.operation->step(active == 1 ? until : Time(0), wakeUp);
      hasHappened = hasHappened || pool.operation->eventCount() != before;
    }
  }
  alarm.reset();
  return tasks_.step() || hasHappened;
}

std::optional<RankMessage> ParentsAgent::takeAnswer() {
  if (answers_.empty()) {
    return std::nullopt;
  }
  RankMessage answer = std::move(answers_.front());
  answers_.pop_front();
  return answer;
}

bool ParentsAgent::step(Time until, int wakeUp, const TakeResults& take) {
  struct Lent {
    const TakeResults*& to;
    ~Lent() { to = nullptr; }
  } const lent{take_};
  take_ = &take;
  return agent_.step(until, wakeUp);
}

bool ParentsAgent::deliver(const RankHeader& run, ByteView results) {
  return take_ != nullptr && *take_ && (*take_)(run, results);
}

void ParentsAgent::answer(const RankHeader& header, std::shared_ptr<const HeapPayload> payload) {
  answers_.push_back({0, header, std::move(payload)});
}

namespace {

/// The loop of a rank that serves.
class Service final : private AgentPort {
 public:
  explicit Service(Ranks& ranks)
      : ranks_(ranks), values_(ranks, sharedValues()), agent_(*this, signals_.getDescriptor()) {
    sharedValues().releaseAll();  // made before Application::run; the parent's count
  }

  void serve() {
    Attention attention;
    while (true) {
      bool hasHappened = false;
      while (std::optional<RankMessage> message = ranks_.receive()) {
        if (message->header.kind == RankMessageKind::Leave) {
          return;
        }
        take(std::move(*message));
        hasHappened = true;
      }
      hasHappened =
          agent_.step(attention.napEnd(areWorkersBusy()), signals_.getDescriptor()) || hasHappened;
      if (hasHappened) {
        attention.renew();
      } else if (attention.isHigh(areWorkersBusy())) {
        sched_yield();
      }
      lookAtSignals();
      showLife();
    }
  }

 private:
  [[nodiscard]] bool areWorkersBusy() const { return agent_.areWorkersBusy() && ranks_.areIdle(); }

  /// In order, but for what brings shared values: all else has to wait for those.
  void take(RankMessage message) {
    if (!values_.handle(message)) {
      waiting_.push_back(std::move(message));
    }
    while (!values_.isWaiting() && !waiting_.empty()) {
      const RankMessage next = std::move(waiting_.front());
      waiting_.pop_front();
      if (next.header.kind == RankMessageKind::ForgetValue) {
        sharedValues().release(next.header.first);
      } else {
        agent_.handle(next);
      }
    }
  }

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
    const bool isBusy = agent_.isActive() || values_.isWaiting() || ranks_.isReceiving();
    if (isBusy && steadyNow() - lastAnswer_ > kSignOfLife) {
      RankHeader header;
      header.kind = RankMessageKind::Alive;
      answer(header, nullptr);
    }
  }

  Ranks& ranks_;
  SignalScope signals_;
  int signalsSeen_ = 0;
  Time lastAnswer_{0};
  ValueReceiver values_;
  std::deque<RankMessage> waiting_;
  Agent agent_;
};

}  // namespace

void serveParent(Ranks& ranks) { Service(ranks).serve(); }

}  // namespace procession::detail
