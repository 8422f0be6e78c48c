#include "scheduler/fake_runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "procession/detail/scheduler/reduction_tree.hpp"

namespace procession::test {

FakeRunner::FakeRunner(Plan plan)
    : plan_(std::move(plan)),
      scheduler_(plan_.options),
      random_(plan_.seed),
      states_(plan_.items, State::Open) {
  scheduler_.addItems(0, plan_.items);
  scheduler_.closeItems();
  for (int worker = 0; worker < plan_.workers; ++worker) {
    add(nextId_++);
  }
  for (const Time time : plan_.killsFromOutside) {
    at(time, [this] {
      if (!processes_.empty()) {
        const auto steps = static_cast<std::ptrdiff_t>(random_() % processes_.size());
        die(std::next(processes_.begin(), steps)->first, false, random_() % 2 == 0);
      }
    });
  }
  if (plan_.cancelAt) {
    at(*plan_.cancelAt, [this] { scheduler_.cancel(); });
  }
}

void FakeRunner::run() {
  pump();
  while (!scheduler_.isFinished() && !testing::Test::HasFailure()) {
    if (events_.empty()) {
      ADD_FAILURE() << "the scheduler waits for nothing, with " << scheduler_.openItems()
                    << " open items and " << scheduler_.chunksInFlight() << " chunks in flight";
      return;
    }
    const Event event = events_.top();
    events_.pop();
    now_ = event.time;
    event.happen();
    pump();
  }
  makespan_ = now_;
  checkEnd();
}

std::size_t FakeRunner::count(Action::Type type) const {
  return static_cast<std::size_t>(std::ranges::count(actions_, type, &Action::type));
}

std::uint64_t FakeRunner::doneItems() const {
  return static_cast<std::uint64_t>(std::ranges::count(states_, State::Done));
}

void FakeRunner::at(Time time, std::function<void()> happen) {
  events_.push({time, ++lastEvent_, std::move(happen)});
}

void FakeRunner::tell(std::function<void()> event) { at(now_ + plan_.latency, std::move(event)); }

// The owner's side.

void FakeRunner::pump() {
  while (const auto action = scheduler_.nextAction(now_)) {
    actions_.push_back(*action);
    check(*action);
    carryOut(*action);
    if (testing::Test::HasFailure()) {
      return;
    }
  }
  auto wake = scheduler_.nextWakeUp();
  if (const auto recall = scheduler_.nextRecall(); recall && (!wake || *recall < *wake)) {
    wake = recall;
  }
  if (wake && (!wakeUpAt_ || *wake < *wakeUpAt_)) {
    ASSERT_GT(*wake, now_) << "the owner would spin";
    wakeUpAt_ = wake;
    at(*wake, [this] { wakeUp(); });
  }
  EXPECT_EQ(scheduler_.isStranded(),
            inFlight_.empty() && scheduler_.openItems() > 0 && !scheduler_.isCancelled());
}

void FakeRunner::wakeUp() {
  if (wakeUpAt_ != now_) {
    return;  // an earlier one was wanted since
  }
  wakeUpAt_.reset();
  for (const auto& [id, process] : processes_) {
    if (const auto item = itemOf(process); item && inFlight_.contains(id)) {
      scheduler_.observed(id, item->first, item->second, now_);
    }
  }
}

void FakeRunner::check(const Action& action) {
  ASSERT_LT(actions_.size(), 1000 + 20 * (plan_.items + 1)) << "there is no end";
  switch (action.type) {
    case Action::Type::Assign:
      checkAssign(action);
      break;
    case Action::Type::Recall:
      ASSERT_TRUE(inFlight_.at(action.worker).contains(action.chunk.id));
      if (!plan_.options.splitsChunks) {
        ASSERT_GT(inFlight_.at(action.worker).size(), 1u) << "it is the one being worked on";
        ASSERT_TRUE(recalled_.insert(action.chunk.id).second) << "asked twice";
      }
      ASSERT_EQ(std::ranges::count(states_, State::Open), 0) << "there is work without it";
      ASSERT_TRUE(std::ranges::any_of(inFlight_, [](const auto& w) { return w.second.empty(); }))
          << "nobody needs it";
      break;
    case Action::Type::Kill: {
      ASSERT_TRUE(inFlight_.contains(action.worker));
      const auto item = itemOf(processes_.at(action.worker));
      ASSERT_TRUE(item);
      ASSERT_EQ(item->first, action.item);
      ASSERT_GE(now_ - item->second, plan_.options.timeout);
      break;
    }
    case Action::Type::Fail:
      ASSERT_TRUE(failures_.emplace(action.item, action).second) << "failed twice";
      ASSERT_EQ(action.attempts, plan_.options.retries + 1);
      ASSERT_EQ(badAttempts_[action.item], action.attempts);
      break;
  }
}

void FakeRunner::checkAssign(const Action& action) {
  const Chunk& chunk = action.chunk;
  const SchedulerOptions& options = plan_.options;
  ASSERT_FALSE(scheduler_.isCancelled());
  ASSERT_TRUE(inFlight_.contains(action.worker));
  ASSERT_GE(chunk.count, 1u);
  ASSERT_LE(chunk.end(), plan_.items);
  ASSERT_LE(chunk.count, std::max(options.maxChunkItems, options.leafItems));
  const std::uint64_t unit = options.wholeNodes ? options.leafItems : 1;
  for (std::uint64_t item = chunk.first; item < chunk.end(); ++item) {
    ASSERT_EQ(states_[item], State::Open) << "item " << item;
    if (badAttempts_.contains(item)) {
      ASSERT_LE(chunk.count, unit) << "item " << item << " failed before and must go alone";
    }
    states_[item] = State::InFlight;
  }
  if (options.wholeNodes) {
    const auto leaves = [&](std::uint64_t items) {
      return (items + options.leafItems - 1) / options.leafItems;
    };
    ASSERT_EQ(chunk.first % options.leafItems, 0u);
    ASSERT_NO_THROW((void)detail::nodeOfLeaves(chunk.first / options.leafItems, leaves(chunk.count),
                                               leaves(plan_.items)));
  }
  inFlight_[action.worker][chunk.id] = chunk;
  ASSERT_LE(inFlight_[action.worker].size(), static_cast<std::size_t>(options.chunksInFlight));
}

void FakeRunner::carryOut(const Action& action) {
  const WorkerId id = action.worker;
  switch (action.type) {
    case Action::Type::Assign:
    case Action::Type::Recall:
      if (const auto process = processes_.find(id); process != processes_.end()) {
        const auto life = process->second.life;
        at(now_ + plan_.latency, [this, id, life, type = action.type, chunk = action.chunk] {
          type == Action::Type::Assign ? receive(id, life, chunk)
                                       : answerRecall(id, life, chunk.id);
        });
      }
      break;
    case Action::Type::Kill:
      die(id, true, true);
      break;
    case Action::Type::Fail: {
      const std::uint64_t unit = plan_.options.wholeNodes ? plan_.options.leafItems : 1;
      const std::uint64_t first = action.item - action.item % unit;
      for (std::uint64_t item = first; item < std::min(first + unit, plan_.items); ++item) {
        ASSERT_EQ(states_[item], State::Open) << "item " << item;
        states_[item] = State::Failed;
      }
      badAttempts_.erase(action.item);
      break;
    }
  }
}

void FakeRunner::checkEnd() {
  if (testing::Test::HasFailure()) {
    return;
  }
  EXPECT_EQ(scheduler_.chunksInFlight(), 0u);
  EXPECT_EQ(std::ranges::count(states_, State::InFlight), 0);
  EXPECT_EQ(scheduler_.doneItems(), doneItems());
  EXPECT_EQ(scheduler_.failedItems(), std::ranges::count(states_, State::Failed));
  EXPECT_EQ(scheduler_.openItems(), std::ranges::count(states_, State::Open));
  if (!scheduler_.isCancelled()) {
    EXPECT_EQ(scheduler_.openItems(), 0u);
  }
}

// The workers' side.

void FakeRunner::add(WorkerId id) {
  processes_[id] = {.life = ++lastLife_, .waiting = {}, .current = {}};
  inFlight_[id];
  scheduler_.addWorker(id, 1, now_);
}

void FakeRunner::receive(WorkerId id, std::uint64_t life, const Chunk& chunk) {
  const auto process = processes_.find(id);
  if (process == processes_.end() || process->second.life != life) {
    return;
  }
  process->second.waiting.push_back(chunk);
  if (!process->second.current) {
    begin(id);
  }
}

void FakeRunner::begin(WorkerId id) {
  Process& process = processes_.at(id);
  process.current = process.waiting.front();
  process.waiting.pop_front();
  process.begun = now_ + plan_.overhead;
  planEnd(id);
}

/// When the process will be through with its chunk, or in trouble.
void FakeRunner::planEnd(WorkerId id) {
  Process& process = processes_.at(id);
  ++process.run;
  Time busy{0};
  std::optional<std::uint64_t> culprit;
  for (std::uint64_t item = process.current->first; item < process.current->end(); ++item) {
    if (isTrouble(item)) {
      culprit = item;
      if (plan_.trouble.at(item).fault == Fault::Hangs) {
        return;  // it has no end
      }
      break;
    }
    busy += plan_.cost(item);
  }
  at(process.begun + busy, [this, id, life = process.life, run = process.run, culprit, busy] {
    if (const auto same = processes_.find(id);
        same != processes_.end() && same->second.run == run) {
      end(id, life, culprit, busy);
    }
  });
}

void FakeRunner::end(WorkerId id, std::uint64_t life, std::optional<std::uint64_t> culprit,
                     Time busy) {
  const auto found = processes_.find(id);
  if (found == processes_.end() || found->second.life != life) {
    return;
  }
  Process& process = found->second;
  const Fault fault = culprit ? plan_.trouble.at(*culprit).fault : Fault::Throws;
  if (culprit) {
    ++troubles_[*culprit];
    if (fault != Fault::Throws) {
      die(id, false, fault == Fault::Dies);
      return;
    }
  }
  const Chunk chunk = *process.current;
  tell([this, id, chunk, culprit, busy] {
    inFlight_.at(id).erase(chunk.id);
    // A node of a reduction tree has one result; of others what was done before comes along.
    const std::uint64_t doneEnd = !culprit                   ? chunk.end()
                                  : plan_.options.wholeNodes ? chunk.first
                                                             : *culprit;
    for (std::uint64_t item = chunk.first; item < chunk.end(); ++item) {
      states_[item] = item < doneEnd ? State::Done : State::Open;
      if (item < doneEnd) {
        badAttempts_.erase(item);
      }
    }
    if (culprit) {
      ++badAttempts_[*culprit];
      scheduler_.itemFailed(id, chunk.id, *culprit, doneEnd - chunk.first, now_);
    } else {
      scheduler_.chunkDone(id, chunk.id, busy, now_);
    }
  });
  process.current.reset();
  if (!process.waiting.empty()) {
    begin(id);
  }
}

void FakeRunner::die(WorkerId id, bool timedOut, bool isSeen) {
  const auto process = processes_.find(id);
  if (process == processes_.end()) {
    return;
  }
  const auto item = itemOf(process->second);
  if (item && isTrouble(item->first) && plan_.trouble.at(item->first).fault == Fault::Hangs) {
    ++troubles_[item->first];
  }
  processes_.erase(process);
  ++lostWorkers_;
  std::optional<std::uint64_t> told;
  if (item && (isSeen || timedOut)) {
    told = item->first;
  }
  tell([this, id, told, timedOut] { lose(id, told, timedOut); });
}

void FakeRunner::lose(WorkerId id, std::optional<std::uint64_t> item, bool timedOut) {
  const auto flights = inFlight_.extract(id).mapped();
  const std::uint64_t unit = plan_.options.wholeNodes ? plan_.options.leafItems : 1;
  bool isBlamed = false;
  for (const auto& [chunkId, chunk] : flights) {
    for (std::uint64_t open = chunk.first; open < chunk.end(); ++open) {
      states_[open] = State::Open;
    }
    isBlamed = isBlamed || (item && *item >= chunk.first && *item < chunk.end());
  }
  if (isBlamed) {
    ++badAttempts_[*item];
  } else if (!timedOut && !flights.empty() && !scheduler_.isCancelled()) {
    const Chunk& oldest = flights.begin()->second;
    if (oldest.first / unit == (oldest.end() - 1) / unit) {
      ++badAttempts_[oldest.first];  // nobody else can have done it
    }
  }
  scheduler_.workerLost(id, item, timedOut, now_);
  at(now_ + plan_.startUp, [this, id] { add(random_() % 2 == 0 ? id : 1000 + nextId_++); });
}

void FakeRunner::answerRecall(WorkerId id, std::uint64_t life, std::uint64_t chunk) {
  const auto process = processes_.find(id);
  if (process == processes_.end() || process->second.life != life) {
    return;
  }
  auto& waiting = process->second.waiting;
  const auto found = std::ranges::find(waiting, chunk, &Chunk::id);
  if (found == waiting.end() && giveEnd(id, chunk)) {
    return;
  }
  const bool isGiven = found != waiting.end() && !(plan_.refuseRecalls && chunk % 2 == 0);
  if (isGiven) {
    waiting.erase(found);
  }
  tell([this, id, chunk, isGiven] {
    if (!isGiven) {
      scheduler_.recallRefused(id, chunk, now_);
      return;
    }
    const Chunk back = inFlight_.at(id).extract(chunk).mapped();
    for (std::uint64_t item = back.first; item < back.end(); ++item) {
      states_[item] = State::Open;
    }
    scheduler_.recalled(id, chunk, now_);
  });
}

/// The items of the chunk that the worker has not begun, if it is on that chunk.
bool FakeRunner::giveEnd(WorkerId id, std::uint64_t chunk) {
  Process& process = processes_.at(id);
  const auto item = itemOf(process);
  if (!plan_.options.splitsChunks || !item || process.current->id != chunk ||
      item->first + 1 >= process.current->end()) {
    return false;
  }
  const std::uint64_t given = process.current->end() - item->first - 1;
  process.current->count -= given;
  planEnd(id);
  tell([this, id, chunk, given] {
    Chunk& kept = inFlight_.at(id).at(chunk);
    kept.count -= given;
    for (std::uint64_t open = kept.end(); open < kept.end() + given; ++open) {
      states_[open] = State::Open;
    }
    scheduler_.shortened(id, chunk, given, now_);
  });
  return true;
}

bool FakeRunner::isTrouble(std::uint64_t item) const {
  const auto trouble = plan_.trouble.find(item);
  if (trouble == plan_.trouble.end()) {
    return false;
  }
  const auto seen = troubles_.find(item);
  return seen == troubles_.end() || seen->second < trouble->second.attempts;
}

std::optional<std::pair<std::uint64_t, Time>> FakeRunner::itemOf(const Process& process) const {
  if (!process.current || now_ < process.begun) {
    return std::nullopt;
  }
  Time since = process.begun;
  for (std::uint64_t item = process.current->first; item < process.current->end(); ++item) {
    const bool isLast = item + 1 == process.current->end();
    if (isTrouble(item) || isLast || since + plan_.cost(item) > now_) {
      return std::pair(item, since);
    }
    since += plan_.cost(item);
  }
  return std::nullopt;
}

}  // namespace procession::test
