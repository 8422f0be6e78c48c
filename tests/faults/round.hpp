#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "faults/accounting.hpp"
#include "faults/book.hpp"
#include "faults/random_items.hpp"
#include "procession/process_pool.hpp"

namespace procession::test {

/// A pool, and what it goes through, all of it rolled from one seed: operations over items that
/// come to faults. Whatever happens, each operation comes to what its items come to, and the pool
/// is as good as new for the next.
class Round {
 public:
  /// `mayBeRefused`: the system may say no to the framework at any time, and then an operation may
  /// come to that, too; and the items' faults are such that need nothing of the system.
  Round(Book& book, std::uint64_t seed, bool mayBeRefused = false);

  /// Returns what was not as it should be; "" when all was.
  [[nodiscard]] std::string run();
  /// What it is at, for who wonders why it takes so long.
  [[nodiscard]] const std::string& getStage() const { return stage_; }

 private:
  using Items = std::vector<FaultyItem>;

  [[nodiscard]] std::string runOn(ProcessPool pool);
  [[nodiscard]] std::string runOperation(ProcessPool& pool);
  [[nodiscard]] std::string perform(ProcessPool& pool, Kind kind, const Items& items);
  template <class Value>
  [[nodiscard]] std::string map(ProcessPool& pool, const Items& items) const;
  [[nodiscard]] std::string mapLocally(ProcessPool& pool, const Items& items) const;
  [[nodiscard]] std::string filter(ProcessPool& pool, const Items& items) const;
  [[nodiscard]] std::string each(ProcessPool& pool, const Items& items) const;
  [[nodiscard]] std::string mapReduce(ProcessPool& pool, const Items& items) const;
  [[nodiscard]] std::string aggregate(ProcessPool& pool, const Items& items) const;
  [[nodiscard]] std::string process(ProcessPool& pool, const Items& items) const;
  template <class Value>
  [[nodiscard]] std::string mapUnordered(ProcessPool& pool, const Items& items,
                                         std::size_t most) const;
  [[nodiscard]] std::string settle(ProcessPool& pool, const Items& items, bool areSubmitted) const;

  /// Runs it, and accounts for what it throws, or for its having returned.
  template <class Operation>
  [[nodiscard]] std::string account(const Items& items, Operation operation) const;

  [[nodiscard]] bool isInOrder(const Items& items) const;
  /// It says that the system refused something, as it may.
  [[nodiscard]] bool isRefusal(const std::exception_ptr& error) const;

  Book& book_;
  bool mayBeRefused_;
  Dice dice_;
  PoolOptions options_;
  std::string stage_;
};

}  // namespace procession::test
