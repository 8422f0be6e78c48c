#include "simulation/cluster_simulation.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace procession::test {

ClusterSimulation::ClusterSimulation(const Cluster& cluster, std::uint64_t items,
                                     const ItemCosts& costs)
    : cluster_(cluster), items_(items), costs_(costs), parent_({}), done_(items) {
  parent_.addItems(0, items);
  parent_.closeItems();
  agents_.resize(static_cast<std::size_t>(cluster.agents));
  for (int id = 0; id < cluster.agents; ++id) {
    Agent& agent = agents_[static_cast<std::size_t>(id)];
    agent.workers.resize(static_cast<std::size_t>(cluster.workersPerAgent));
    for (int worker = 0; worker < cluster.workersPerAgent; ++worker) {
      agent.scheduler.addWorker(worker, 1, Time{0});
    }
    parent_.addWorker(id, cluster.workersPerAgent, Time{0});
  }
}

ClusterSimulation::Time ClusterSimulation::evenShare() const {
  return costs_.of(0, items_) / (std::int64_t{cluster_.agents} * cluster_.workersPerAgent);
}

void ClusterSimulation::run() {
  post(Time{0}, {});
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
      if (!parentIsBusy_) {
        parentIsBusy_ = true;
        post(now_ + cluster_.perMessage, {});
      }
      return;
    case Kind::ChunkAtAgent:
      agent.kept.push_back(event.chunk);
      break;
    case Kind::RecallAtAgent:
      recallAtAgent(event);
      break;
    case Kind::DoneAtAgent:
      workerDone(event);
      break;
    case Kind::RecallAtWorker:
      recallAtWorker(event);
      return;
    case Kind::AnswerAtAgent:
      ++schedulerCalls_;
      if (event.isYes) {
        agent.scheduler.recalled(event.worker, event.chunk.id, now_);
      } else {
        agent.scheduler.recallRefused(event.worker, event.chunk.id, now_);
      }
      break;
  }
  feed(event.agent);
}

// The parent: one message after the other, in either direction.

void ClusterSimulation::parentStep() {
  if (const auto action = parent_.nextAction(now_)) {
    parentActs(*action);
  } else if (!inbox_.empty()) {
    parentHears(inbox_.front());
    inbox_.pop();
  } else {
    parentIsBusy_ = false;
    return;
  }
  ++parentMessages_;
  ++schedulerCalls_;
  post(now_ + cluster_.perMessage, {});
}

void ClusterSimulation::parentHears(const Event& event) {
  if (event.kind == Kind::DoneAtParent) {
    parent_.chunkDone(event.agent, event.chunk.id, event.busy, now_);
  } else if (event.kind == Kind::PassedOnAtParent) {
    parent_.chunkPassedOn(event.agent, event.chunk.id, now_);
  } else if (event.isYes) {
    parent_.recalled(event.agent, event.chunk.id, now_);
  } else {
    parent_.recallRefused(event.agent, event.chunk.id, now_);
  }
}

void ClusterSimulation::parentActs(const Action& action) {
  const bool isAssign = action.type == Action::Type::Assign;
  recalls_ += isAssign ? 0 : 1;
  post(now_ + cluster_.network, {.kind = isAssign ? Kind::ChunkAtAgent : Kind::RecallAtAgent,
                                 .agent = action.worker,
                                 .chunk = action.chunk});
}

// The agents.

/// Passes chunks of the parent on to the scheduler as the workers come to need them.
void ClusterSimulation::feed(int id) {
  Agent& agent = agents_[static_cast<std::size_t>(id)];
  Scheduler& scheduler = agent.scheduler;
  while (!agent.kept.empty() && scheduler.waitingItems() < agent.kept.front().count / 4 + 1) {
    const Chunk chunk = agent.kept.front();
    agent.kept.pop_front();
    agent.received.push_back({chunk, chunk.count, chunk.count, Time{0}});
    scheduler.addItems(chunk.first, chunk.count);
  }
  while (const auto action = scheduler.nextAction(now_)) {
    ++schedulerCalls_;
    agentActs(id, *action);
  }
}

void ClusterSimulation::agentActs(int id, const Action& action) {
  if (action.type == Action::Type::Assign) {
    assign(id, action.worker, action.chunk);
    return;
  }
  ++recalls_;
  post(now_ + cluster_.local,
       {.kind = Kind::RecallAtWorker, .agent = id, .worker = action.worker, .chunk = action.chunk});
}

void ClusterSimulation::assign(int id, int number, const Chunk& chunk) {
  ++workerChunks_;
  passOn(id, chunk);
  Worker& worker = agents_[static_cast<std::size_t>(id)].workers[static_cast<std::size_t>(number)];
  const Time busy = costs_.of(chunk.first, chunk.count);
  worker.last = chunk;
  worker.lastBegins = std::max(worker.free, now_ + cluster_.local);
  worker.free = worker.lastBegins + cluster_.perChunk + busy;
  post(worker.free + cluster_.local,
       {.kind = Kind::DoneAtAgent, .agent = id, .worker = number, .chunk = chunk, .busy = busy});
}

void ClusterSimulation::workerDone(const Event& event) {
  Agent& agent = agents_[static_cast<std::size_t>(event.agent)];
  Worker& worker = agent.workers[static_cast<std::size_t>(event.worker)];
  if (std::erase(worker.given, event.chunk.id) > 0) {
    return;
  }
  ++schedulerCalls_;
  agent.scheduler.chunkDone(event.worker, event.chunk.id, event.busy, now_);
  markDone(event.chunk);
  credit(event.agent, event.chunk, event.busy);
}

void ClusterSimulation::passOn(int id, const Chunk& chunk) {
  for (auto& received : agents_[static_cast<std::size_t>(id)].received) {
    const std::uint64_t first = std::max(chunk.first, received.chunk.first);
    const std::uint64_t end = std::min(chunk.end(), received.chunk.end());
    if (first < end && received.toPassOn > 0) {  // 0: a worker gave it back since
      received.toPassOn -= std::min(received.toPassOn, end - first);
      if (received.toPassOn == 0) {
        post(now_ + cluster_.network,
             {.kind = Kind::PassedOnAtParent, .agent = id, .chunk = received.chunk});
      }
    }
  }
}

/// A worker's chunk may lie in two of the parent's.
void ClusterSimulation::credit(int id, const Chunk& chunk, Time busy) {
  for (auto& received : agents_[static_cast<std::size_t>(id)].received) {
    const std::uint64_t first = std::max(chunk.first, received.chunk.first);
    const std::uint64_t end = std::min(chunk.end(), received.chunk.end());
    if (first >= end) {
      continue;
    }
    received.toDo -= end - first;
    received.busy +=
        busy * static_cast<std::int64_t>(end - first) / static_cast<std::int64_t>(chunk.count);
    if (received.toDo == 0) {
      post(now_ + cluster_.network, {.kind = Kind::DoneAtParent,
                                     .agent = id,
                                     .chunk = received.chunk,
                                     .busy = received.busy});
    }
  }
  std::erase_if(agents_[static_cast<std::size_t>(id)].received,
                [](const Received& received) { return received.toDo == 0; });
}

void ClusterSimulation::recallAtAgent(const Event& event) {
  auto& kept = agents_[static_cast<std::size_t>(event.agent)].kept;
  const auto chunk = std::ranges::find(kept, event.chunk.id, &Chunk::id);
  const bool isKept = chunk != kept.end();
  if (isKept) {
    kept.erase(chunk);
  }
  post(now_ + cluster_.network,
       {.kind = Kind::AnswerAtParent, .isYes = isKept, .agent = event.agent, .chunk = event.chunk});
}

void ClusterSimulation::recallAtWorker(const Event& event) {
  Worker& worker = agents_[static_cast<std::size_t>(event.agent)]
                       .workers[static_cast<std::size_t>(event.worker)];
  const bool isGiven = worker.last.id == event.chunk.id && worker.lastBegins > now_;
  if (isGiven) {
    worker.given.push_back(event.chunk.id);
    worker.free = worker.lastBegins;
  }
  Event answer = event;
  answer.kind = Kind::AnswerAtAgent;
  answer.isYes = isGiven;
  post(now_ + cluster_.local, answer);
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
