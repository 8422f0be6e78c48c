#include "simulation/cluster_simulation.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace procession::test {

namespace {

constexpr std::size_t kMostInFlight = detail::SchedulerOptions{}.chunksInFlight;

/// As pool/chunk_driver.cpp bounds what an agent gets at once.
std::uint64_t mostChunkItems(const Cluster& cluster) {
  constexpr std::uint64_t kWorkerBytes = std::uint64_t{512} << 10;
  constexpr std::uint64_t kAgentBytes = std::uint64_t{32} << 20;
  const std::uint64_t bytes = std::max(cluster.itemBytes, cluster.resultBytes);
  const auto workers = static_cast<std::uint64_t>(cluster.workersPerAgent);
  return bytes == 0
             ? detail::SchedulerOptions{}.maxChunkItems
             : std::max<std::uint64_t>(1, std::min(kWorkerBytes * workers, kAgentBytes) / bytes);
}

}  // namespace

ClusterSimulation::ClusterSimulation(const Cluster& cluster, std::uint64_t items,
                                     const ItemCosts& costs)
    : cluster_(cluster),
      items_(items),
      costs_(costs),
      parent_({.maxChunkItems = mostChunkItems(cluster),
               .worthwhile = cluster.worthwhile,
               .splitsChunks = true}),
      done_(items) {
  parent_.addItems(0, items);
  parent_.closeItems();
  for (int id = 0; id < cluster.agents; ++id) {
    Agent& agent = agents_.emplace_back();
    agent.workers.resize(static_cast<std::size_t>(cluster.workersPerAgent));
    std::bernoulli_distribution isStraggler(cluster.stragglers);
    for (int number = 0; number < cluster.workersPerAgent; ++number) {
      Worker& worker = agent.workers[static_cast<std::size_t>(number)];
      worker.slowness = isStraggler(random_) ? cluster.slowness : 1;
      speed_ += 1 / worker.slowness;
      agent.scheduler.addWorker(number, 1, Time{0});
      expectDeath(id, number);
    }
    parent_.addWorker(id, cluster.workersPerAgent, Time{0});
  }
}

ClusterSimulation::Time ClusterSimulation::evenShare() const {
  const auto work = static_cast<double>(costs_.of(0, items_).count());
  return Time(static_cast<Time::rep>(work / speed_));
}

ClusterSimulation::Time ClusterSimulation::lostShare() const {
  return lost_ / (std::int64_t{cluster_.agents} * cluster_.workersPerAgent);
}

void ClusterSimulation::run() {
  const auto agents = static_cast<std::uint64_t>(cluster_.agents);
  post(spend(agents, 0), {});
  parentIsBusy_ = true;
  while (!parent_.isFinished()) {
    if (due_.empty()) {
      throw std::logic_error("nothing happens any more, and " +
                             std::to_string(parent_.openItems()) + " items are open");
    }
    const Due due = due_.top();
    due_.pop();
    now_ = due.time;
    const Event event = events_[due.place];
    freePlaces_.push_back(due.place);
    happen(event);
  }
  now_ += spend(agents, 0);
}

ClusterSimulation::Time ClusterSimulation::spend(std::uint64_t messages, std::uint64_t bytes) {
  const Time time = cluster_.perMessage * static_cast<std::int64_t>(messages) +
                    Time(static_cast<std::int64_t>(cluster_.perByte * static_cast<double>(bytes)));
  parentMessages_ += messages;
  parentBusy_ += time;
  return time;
}

void ClusterSimulation::post(Time time, const Event& event) {
  if (freePlaces_.empty()) {
    freePlaces_.push_back(events_.size());
    events_.emplace_back();
  }
  events_[freePlaces_.back()] = event;
  due_.push({time, ++lastEvent_, freePlaces_.back()});
  freePlaces_.pop_back();
}

void ClusterSimulation::happen(const Event& event) {
  Agent& agent = agents_[static_cast<std::size_t>(event.agent)];
  switch (event.kind) {
    case Kind::ParentStep:
      parentStep();
      return;
    case Kind::DoneAtParent:
    case Kind::PassedOnAtParent:
    case Kind::AnswerAtParent:
      inbox_.push(event);
      longestQueue_ = std::max(longestQueue_, inbox_.size());
      if (!parentIsBusy_) {
        parentIsBusy_ = true;
        post(now_, {});
      }
      return;
    case Kind::ChunkAtAgent:
      chunkAtAgent(event);
      break;
    case Kind::RecallAtAgent:
      recallAtAgent(event);
      break;
    case Kind::DoneAtAgent:
      workerDone(event);
      break;
    case Kind::WorkerDies:
      workerDies(event);
      return;
    case Kind::LossAtAgent:
      lossAtAgent(event);
      break;
    case Kind::WorkerReady:
      ++schedulerCalls_;
      workerOf(event).isAlive = true;
      agent.scheduler.addWorker(event.worker, 1, now_);
      expectDeath(event.agent, event.worker);
      break;
  }
  feed(event.agent);
}

// The parent: one message after the other, in either direction.

void ClusterSimulation::parentStep() {
  std::uint64_t bytes = 0;
  if (const auto action = parent_.nextAction(now_)) {
    bytes = action->type == Action::Type::Assign ? action->chunk.count * cluster_.itemBytes : 0;
    parentActs(*action, spend(1, bytes));
  } else if (!inbox_.empty()) {
    const Event event = inbox_.front();
    inbox_.pop();
    bytes = event.kind == Kind::DoneAtParent ? event.chunk.count * cluster_.resultBytes : 0;
    post(now_ + spend(1, bytes), {});
    parentHears(event);
  } else {
    parentIsBusy_ = false;
    if (parent_.waitingItems() > 0 && parent_.idleWorkers() > 0) {
      throw std::logic_error("an agent has nothing to do, and the parent has items");
    }
    return;
  }
  ++schedulerCalls_;
}

void ClusterSimulation::parentHears(const Event& event) {
  if (event.kind == Kind::DoneAtParent) {
    parent_.chunkDone(event.agent, event.chunk.id, event.busy, now_);
  } else if (event.kind == Kind::PassedOnAtParent) {
    parent_.chunkPassedOn(event.agent, event.chunk.id, now_);
  } else if (event.given == event.chunk.count) {
    parent_.recalled(event.agent, event.chunk.id, now_);
  } else if (event.given > 0) {
    parent_.shortened(event.agent, event.chunk.id, event.given, now_);
  } else {
    parent_.recallRefused(event.agent, event.chunk.id, now_);
  }
}

void ClusterSimulation::parentActs(const Action& action, Time takes) {
  const bool isAssign = action.type == Action::Type::Assign;
  recalls_ += isAssign ? 0 : 1;
  post(now_ + takes + cluster_.network,
       {.kind = isAssign ? Kind::ChunkAtAgent : Kind::RecallAtAgent,
        .agent = action.worker,
        .chunk = action.chunk});
  post(now_ + takes, {});
}

// The agents.

void ClusterSimulation::feed(int id) {
  Agent& agent = agents_[static_cast<std::size_t>(id)];
  agent.relay.feed();
  while (const auto action = agent.scheduler.nextAction(now_)) {
    ++schedulerCalls_;
    agentActs(id, *action);
  }
  if (agent.scheduler.waitingItems() > 0 && agent.scheduler.idleWorkers() > 0) {
    throw std::logic_error("a worker of agent " + std::to_string(id) +
                           " has nothing to do, and the agent has items");
  }
  answerParent(id);
}

void ClusterSimulation::answerParent(int id) {
  Agent& agent = agents_[static_cast<std::size_t>(id)];
  while (const auto answer = agent.relay.nextAnswer()) {
    const bool isDone = answer->type == detail::ChunkRelay::Answer::Type::Done;
    agent.chunks -= isDone ? 1 : 0;
    std::erase(agent.notPassedOn, answer->chunk.id);
    post(now_ + cluster_.network, {.kind = isDone ? Kind::DoneAtParent : Kind::PassedOnAtParent,
                                   .agent = id,
                                   .chunk = answer->chunk,
                                   .busy = answer->busy});
  }
}

void ClusterSimulation::agentActs(int id, const Action& action) {
  if (action.type == Action::Type::Assign) {
    assign(id, action.worker, action.chunk);
  } else {
    recallAtWorker(id, action);
  }
}

void ClusterSimulation::chunkAtAgent(const Event& event) {
  Agent& agent = agents_[static_cast<std::size_t>(event.agent)];
  agent.relay.receive(event.chunk);
  agent.notPassedOn.push_back(event.chunk.id);
  mostChunksOfAgent_ = std::max(mostChunksOfAgent_, ++agent.chunks);
  if (agent.notPassedOn.size() > kMostInFlight) {
    throw std::logic_error("agent " + std::to_string(event.agent) + " has more chunks than it may");
  }
}

/// As AgentOperation does it: what waits comes back, else the end of what a worker has.
void ClusterSimulation::recallAtAgent(const Event& event) {
  Agent& agent = agents_[static_cast<std::size_t>(event.agent)];
  std::uint64_t given = agent.relay.giveBack(event.chunk.id);
  if (given == 0) {
    if (const auto recall = agent.scheduler.recallOf(event.chunk.end() - 1)) {
      recallAtWorker(event.agent, *recall);
      given = agent.relay.giveBack(event.chunk.id);
    }
  }
  if (given == event.chunk.count) {
    --agent.chunks;
    std::erase(agent.notPassedOn, event.chunk.id);
  }
  post(now_ + cluster_.network,
       {.kind = Kind::AnswerAtParent, .given = given, .agent = event.agent, .chunk = event.chunk});
}

// The workers.

ClusterSimulation::Worker& ClusterSimulation::workerOf(const Event& event) {
  return agents_[static_cast<std::size_t>(event.agent)]
      .workers[static_cast<std::size_t>(event.worker)];
}

ClusterSimulation::Time ClusterSimulation::busyTime(const Worker& worker,
                                                    const Chunk& chunk) const {
  const auto cost = static_cast<double>(costs_.of(chunk.first, chunk.count).count());
  return Time(static_cast<Time::rep>(cost * worker.slowness));
}

std::uint64_t ClusterSimulation::doneOf(const Worker& worker, const Job& job) const {
  const auto worked = static_cast<double>((now_ - job.begins).count());
  return costs_.doneWithin(job.chunk.first, job.chunk.count,
                           Time(static_cast<Time::rep>(worked / worker.slowness)));
}

void ClusterSimulation::postEnd(int id, int number, const Worker& worker, const Job& job) {
  post(job.ends + cluster_.local, {.kind = Kind::DoneAtAgent,
                                   .agent = id,
                                   .worker = number,
                                   .chunk = job.chunk,
                                   .busy = busyTime(worker, job.chunk)});
}

void ClusterSimulation::assign(int id, int number, const Chunk& chunk) {
  ++workerChunks_;
  agents_[static_cast<std::size_t>(id)].relay.handedOut(chunk);
  Worker& worker = agents_[static_cast<std::size_t>(id)].workers[static_cast<std::size_t>(number)];
  const Time free = worker.jobs.empty() ? Time{0} : worker.jobs.back().ends;
  const Time begins = std::max(free, now_ + cluster_.local) + cluster_.perChunk;
  worker.jobs.push_back({chunk, begins, begins + busyTime(worker, chunk)});
  if (worker.jobs.size() > kMostInFlight) {
    throw std::logic_error("worker " + std::to_string(number) + " of agent " + std::to_string(id) +
                           " has more chunks than it may");
  }
  if (worker.isAlive) {  // else it dies with it, and the agent has not heard of that yet
    postEnd(id, number, worker, worker.jobs.back());
  }
}

void ClusterSimulation::workerDone(const Event& event) {
  Agent& agent = agents_[static_cast<std::size_t>(event.agent)];
  Worker& worker = workerOf(event);
  // A job that was given back, shortened or lost meanwhile ends at another time, or not at all.
  if (worker.jobs.empty() || worker.jobs.front().chunk != event.chunk) {
    return;
  }
  worker.jobs.pop_front();
  ++schedulerCalls_;
  agent.scheduler.chunkDone(event.worker, event.chunk.id, event.busy, now_);
  markDone(event.chunk);
  agent.relay.done(event.chunk.first, event.chunk.count, event.busy);
}

/// The agent takes from the worker the last of its chunks, or the end of it that it has not begun,
/// by memory that they share.
void ClusterSimulation::recallAtWorker(int id, const Action& recall) {
  Agent& agent = agents_[static_cast<std::size_t>(id)];
  Worker& worker = agent.workers[static_cast<std::size_t>(recall.worker)];
  const std::uint64_t given = worker.isAlive ? takeEnd(id, recall) : 0;
  ++recalls_;
  ++schedulerCalls_;
  if (given == recall.chunk.count) {
    agent.scheduler.recalled(recall.worker, recall.chunk.id, now_);
  } else if (given > 0) {
    agent.scheduler.shortened(recall.worker, recall.chunk.id, given, now_);
  } else {
    agent.scheduler.recallRefused(recall.worker, recall.chunk.id, now_);
  }
}

std::uint64_t ClusterSimulation::takeEnd(int id, const Action& recall) {
  Worker& worker =
      agents_[static_cast<std::size_t>(id)].workers[static_cast<std::size_t>(recall.worker)];
  Job& job = worker.jobs.back();
  if (job.chunk.id != recall.chunk.id || job.ends <= now_) {
    return 0;
  }
  const std::uint64_t all = job.chunk.count;
  if (job.begins > now_) {
    worker.jobs.pop_back();
    return all;
  }
  const std::uint64_t kept = std::min(all, doneOf(worker, job) + 1);  // the item that it is on
  if (kept < all) {
    job.chunk.count = kept;
    job.ends = job.begins + busyTime(worker, job.chunk);
    postEnd(id, recall.worker, worker, job);
  }
  return all - kept;
}

void ClusterSimulation::expectDeath(int id, int number) {
  if (cluster_.life > Time{0}) {
    std::exponential_distribution<> life(1 / static_cast<double>(cluster_.life.count()));
    post(now_ + Time(static_cast<Time::rep>(life(random_))),
         {.kind = Kind::WorkerDies, .agent = id, .worker = number});
  }
}

void ClusterSimulation::workerDies(const Event& event) {
  Worker& worker = workerOf(event);
  worker.isAlive = false;
  ++deaths_;
  lost_ += 2 * cluster_.local + cluster_.birth;
  // What it finished is on its way, and arrives before the news of its end.
  while (!worker.jobs.empty() && worker.jobs.back().ends > now_) {
    const Job& job = worker.jobs.back();
    if (job.begins <= now_) {
      lost_ += now_ - job.begins;
      worker.lastItem = job.chunk.first + doneOf(worker, job);
    }
    worker.jobs.pop_back();
  }
  Event loss = event;
  loss.kind = Kind::LossAtAgent;
  post(now_ + cluster_.local, loss);
}

void ClusterSimulation::lossAtAgent(const Event& event) {
  Worker& worker = workerOf(event);
  worker.jobs.clear();
  ++schedulerCalls_;
  agents_[static_cast<std::size_t>(event.agent)].scheduler.workerLost(
      event.worker, std::exchange(worker.lastItem, std::nullopt), /*timedOut=*/false, now_);
  Event ready = event;
  ready.kind = Kind::WorkerReady;
  post(now_ + cluster_.birth, ready);
}

void ClusterSimulation::markDone(const Chunk& chunk) {
  for (std::uint64_t item = chunk.first; item < chunk.end(); ++item) {
    if (done_[item]) {
      throw std::logic_error("item " + std::to_string(item) + " was done twice");
    }
    done_[item] = true;
  }
  doneItems_ += chunk.count;
}

}  // namespace procession::test
