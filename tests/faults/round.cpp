#include "faults/round.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "backend/ranks.hpp"
#include "faults/settled.hpp"
#include "faults/values.hpp"
#include "procession/worker_interface.hpp"

namespace procession::test {

namespace {

using std::chrono::milliseconds;

int rankCount() {
  const detail::Ranks* ranks = detail::activeRanks();
  return ranks == nullptr ? 1 : ranks->size();
}

/// The worker object of process().
class FaultyWorker : public WorkerInterface<FaultyItem, std::uint64_t> {
 public:
  FaultyWorker() = default;
  explicit FaultyWorker(std::string folder) : folder_(std::move(folder)) {}

  std::uint64_t process(const FaultyItem& item) override {
    return work<std::uint64_t>(folder_, item);
  }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& folder_;
  }

 private:
  std::string folder_;
};

double add(double left, double right) { return left + right; }

/// By index modulo 8, so that the accumulator is no number and order matters.
using Sums = std::vector<double>;
Sums fold(const std::string& folder, Sums sums, const FaultyItem& item) {
  sums.resize(8);
  sums[item.id % 8] += work<double>(folder, item);
  return sums;
}
Sums addSums(Sums left, const Sums& right) {
  left.resize(8);
  for (std::size_t i = 0; i < right.size(); ++i) {
    left[i] += right[i];
  }
  return left;
}

template <class Value>
std::string compareAll(const std::vector<Value>& results, const std::vector<FaultyItem>& items) {
  if (results.size() != items.size()) {
    return std::to_string(results.size()) + " results";
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (results[i] != valueOf<Value>(items[i])) {
      return "the result of item " + std::to_string(i) + " is wrong";
    }
  }
  return "";
}

PoolOptions rollOptions(Dice& dice) {
  PoolOptions options;
  options.workerCount = rankCount() * static_cast<int>(1 + dice.roll(rankCount() > 1 ? 2 : 4));
  options.chunkSize = dice.pick(std::vector<std::size_t>{0, 0, 1, 3, 50});
  options.retries = dice.pick(std::vector<int>{0, 0, 1, 2, 5});
  options.timeout = dice.chance(15) ? timeToHang() : milliseconds(0);
  return options;
}

std::string describe(const PoolOptions& options) {
  return std::to_string(options.workerCount) + " workers, chunks of " +
         std::to_string(options.chunkSize) + ", " + std::to_string(options.retries) +
         " retries, timeout " + std::to_string(options.timeout.count()) + " ms: ";
}

}  // namespace

Round::Round(Book& book, std::uint64_t seed, bool mayBeRefused)
    : book_(book), mayBeRefused_(mayBeRefused), dice_(mixed(seed)), options_(rollOptions(dice_)) {}

std::string Round::run() {
  stage_ = "the making of the pool";
  try {
    return runOn(ProcessPool(options_));
  } catch (...) {
    if (isRefusal(std::current_exception())) {
      book_.tally().count(CameTo::Refused);
      return "";
    }
    throw;
  }
}

std::string Round::runOn(ProcessPool pool) {
  for (std::uint32_t left = 1 + dice_.roll(4); left > 0; --left) {
    const std::string problem = runOperation(pool);
    if (!problem.empty()) {
      return describe(options_) + stage_ + "\n    " + problem;
    }
  }
  // Whatever was left unfinished by the last operation.
  stage_ = "the end of the pool";
  return "";
}

std::string Round::runOperation(ProcessPool& pool) {
  auto kind = static_cast<Kind>(dice_.roll(kKinds));
  if (kind == Kind::MapLocally && rankCount() > 1) {
    kind = Kind::Map;
  }
  const FaultRules rules{
      .retries = options_.retries,
      .hasTimeLimit = options_.timeout > milliseconds(0),
      .mayFail = kind == Kind::Settle || kind == Kind::Submit || dice_.chance(50),
      .areSimple = mayBeRefused_};
  const std::uint32_t count = 1 + dice_.magnitude(2000);
  const Items items = rollItems(dice_, rules, count, book_.takeLines(count));
  stage_ = std::string(nameOf(kind)) + " of " + test::describe(items);
  book_.tally().count(kind);
  book_.tally().items += count;
  return perform(pool, kind, items);
}

std::string Round::perform(ProcessPool& pool, Kind kind, const Items& items) {
  switch (kind) {
    case Kind::Map:
      return dice_.chance(40)   ? map<std::uint64_t>(pool, items)
             : dice_.chance(50) ? map<std::string>(pool, items)
                                : map<BoxedValue>(pool, items);
    case Kind::MapLocally:
      return mapLocally(pool, items);
    case Kind::Filter:
      return filter(pool, items);
    case Kind::Each:
      return each(pool, items);
    case Kind::MapReduce:
      return mapReduce(pool, items);
    case Kind::Aggregate:
      return aggregate(pool, items);
    case Kind::Process:
      return process(pool, items);
    case Kind::MapUnordered:
      return dice_.chance(50) ? mapUnordered<std::uint64_t>(pool, items, items.size())
                              : mapUnordered<std::string>(pool, items, items.size());
    case Kind::LeaveUnordered:
      return mapUnordered<std::string>(pool, items,
                                       dice_.roll(static_cast<std::uint32_t>(items.size())));
    case Kind::Settle:
    case Kind::Submit:
      return settle(pool, items, kind == Kind::Submit);
  }
  return "";
}

template <class Operation>
std::string Round::account(const Items& items, Operation operation) const {
  const Accounting accounting(items, options_.timeout, mayBeRefused_);
  Tally& tally = book_.tally();
  try {
    const std::string problem = operation();
    tally.count(CameTo::Value);
    return problem.empty() ? accounting.ofSuccess() : problem;
  } catch (...) {
    if (isRefusal(std::current_exception())) {
      tally.count(CameTo::Refused);
      return "";
    }
    return accounting.ofFailure(std::current_exception(), isInOrder(items), tally);
  }
}

/// One worker does one item after the other; but those that are tried again, or that are searched
/// for, may be behind others.
bool Round::isInOrder(const Items& items) const {
  return options_.workerCount == 1 && options_.retries == 0 &&
         std::ranges::none_of(items, [](const FaultyItem& item) {
           return item.fault == Fault::ScribblesOverBoard || item.fault == Fault::ClosesEverything;
         });
}

bool Round::isRefusal(const std::exception_ptr& error) const {
  if (!mayBeRefused_ || error == nullptr) {
    return false;
  }
  try {
    std::rethrow_exception(error);
  } catch (const SystemError&) {
    return true;
  } catch (const std::bad_alloc&) {
    return true;
  } catch (const TaskError& thrown) {  // the worker was refused it
    return thrown.getType() == "procession::SystemError" ||
           thrown.getType() == "std::system_error" || thrown.getType() == "std::bad_alloc";
  } catch (...) {
    return false;
  }
}

template <class Value>
std::string Round::map(ProcessPool& pool, const Items& items) const {
  return account(items, [&] {
    return compareAll<Value>(pool.map(items, bindFront(&work<Value>, book_.folder())), items);
  });
}

std::string Round::mapLocally(ProcessPool& pool, const Items& items) const {
  return account(items, [&] {
    const auto callback = [&](const FaultyItem& item) {
      return work<std::uint64_t>(book_.folder(), item);
    };
    return compareAll<std::uint64_t>(pool.map(items, localOnly(callback)), items);
  });
}

std::string Round::filter(ProcessPool& pool, const Items& items) const {
  return account(items, [&]() -> std::string {
    const Items kept = pool.filter(items, bindFront(&isKept, book_.folder()));
    std::size_t next = 0;
    for (const FaultyItem& item : items) {
      if (valueOf<std::uint64_t>(item) % 3 != 0 &&
          (next == kept.size() || kept[next++].id != item.id)) {
        return "line " + std::to_string(item.id) + " is missing";
      }
    }
    return next == kept.size() ? "" : "there are more items than were kept";
  });
}

std::string Round::each(ProcessPool& pool, const Items& items) const {
  return account(items, [&]() -> std::string {
    pool.each(items, bindFront(&workOnly, book_.folder()));
    for (const FaultyItem& item : items) {
      if (book_.callsOf(item.id) == 0) {
        return "line " + std::to_string(item.id) + " was not called";
      }
    }
    return "";
  });
}

std::string Round::mapReduce(ProcessPool& pool, const Items& items) const {
  return account(items, [&]() -> std::string {
    const double sum = pool.mapReduce(items, bindFront(&work<double>, book_.folder()), &add, 0.125);
    std::vector<double> leaves;
    leaves.reserve(items.size());
    for (const FaultyItem& item : items) {
      leaves.push_back(valueOf<double>(item));
    }
    const double expected = 0.125 + reduced(leaves, 0, std::bit_ceil(leaves.size()), &add);
    return std::bit_cast<std::uint64_t>(sum) == std::bit_cast<std::uint64_t>(expected)
               ? ""
               : "the sum is wrong";
  });
}

std::string Round::aggregate(ProcessPool& pool, const Items& items) const {
  return account(items, [&]() -> std::string {
    const Sums sums = pool.aggregate(items, Sums(), bindFront(&fold, book_.folder()), &addSums);
    std::vector<Sums> leaves;
    leaves.reserve(items.size());
    for (const FaultyItem& item : items) {
      leaves.emplace_back(8);
      leaves.back()[item.id % 8] += valueOf<double>(item);
    }
    return sums == reduced(leaves, 0, std::bit_ceil(leaves.size()), &addSums) ? ""
                                                                              : "a sum is wrong";
  });
}

std::string Round::process(ProcessPool& pool, const Items& items) const {
  return account(items, [&] {
    return compareAll<std::uint64_t>(pool.process(items, FaultyWorker(book_.folder())), items);
  });
}

template <class Value>
std::string Round::mapUnordered(ProcessPool& pool, const Items& items, std::size_t most) const {
  const bool isLeft = most < items.size();
  std::set<std::size_t> seen;
  std::string problem = account(items, [&]() -> std::string {
    auto results = pool.mapUnordered(items, bindFront(&work<Value>, book_.folder()));
    for (auto& [index, value] : results) {
      if (index >= items.size() || !seen.insert(index).second) {
        return "item " + std::to_string(index) + " came twice, or is none";
      }
      if (value != valueOf<Value>(items[index])) {
        return "the result of item " + std::to_string(index) + " is wrong";
      }
      if (isLeft && seen.size() > most) {
        return "left";
      }
    }
    return seen.size() == items.size() ? "" : std::to_string(seen.size()) + " results";
  });
  return problem == "left" ? "" : problem;
}

std::string Round::settle(ProcessPool& pool, const Items& items, bool areSubmitted) const {
  const Accounting accounting(items, options_.timeout, mayBeRefused_);
  const auto run =
      areSubmitted ? &submitAll<std::uint64_t, FaultyItem> : &settleAll<std::uint64_t, FaultyItem>;
  const auto outcomes = run(pool, items, &work<std::uint64_t>, book_.folder());
  if (outcomes.size() != items.size()) {
    return std::to_string(outcomes.size()) + " outcomes";
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto& [value, error] = outcomes[i];
    if (isRefusal(error)) {
      book_.tally().count(CameTo::Refused);
      continue;
    }
    std::string problem = accounting.ofItem(i, error, book_.tally());
    if (problem.empty() && error == nullptr && value != valueOf<std::uint64_t>(items[i])) {
      problem = "the result of item " + std::to_string(i) + " is wrong";
    }
    if (!problem.empty()) {
      return problem;
    }
  }
  return "";
}

}  // namespace procession::test
