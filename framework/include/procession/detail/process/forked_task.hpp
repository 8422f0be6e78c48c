#pragma once

#include <memory>
#include <optional>

#include "procession/detail/process/task.hpp"
#include "procession/detail/wire/payload.hpp"
#include "procession/process_status.hpp"

namespace procession::detail {

/// The compiled part of ForkProcess: one task in one forked process.
class ForkedTask {
 public:
  explicit ForkedTask(std::unique_ptr<Task> task);
  ForkedTask(ForkedTask&& other) noexcept;
  ForkedTask& operator=(ForkedTask&& other) noexcept;
  ~ForkedTask();

  void start();
  int wait();
  [[nodiscard]] std::optional<int> getPid() const;
  [[nodiscard]] ProcessStatus getStatus() const;
  bool kill(int signal);

  /// The bytes of the result. Throws std::logic_error before the end, and what happened after a
  /// failure.
  [[nodiscard]] ByteView getResult() const;

 private:
  struct State;
  [[nodiscard]] State& state() const;

  std::unique_ptr<State> state_;  // empty once moved from
};

/// Whether this system can fork workers and watch them.
bool isForkProcessSupported();

}  // namespace procession::detail
