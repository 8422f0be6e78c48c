#pragma once

#include <csignal>
#include <optional>
#include <utility>

#include "procession/detail/process/forked_task.hpp"
#include "procession/detail/process/task.hpp"
#include "procession/process_interface.hpp"

namespace procession {

/// Runs one callback in a child process and brings its result back.
///
///     ForkProcess child([](double x) { return std::sqrt(x); }, 2.0);
///     child.start();
///     if (child.wait() == 0) std::cout << child.getOutput();  // 1.41421
///
/// The child is a copy of this process: the callback sees memory as it was at start(), and what it
/// writes there stays in the child. Any callable and any argument will do, move-only ones too; they
/// are copied or moved into the object, and given to the callback as rvalues. The result is any
/// Serializable value of any size, or void.
///
/// A callback that throws, crashes, is killed or calls `exit` ends the child only. An `exit` or
/// `quick_exit` in it runs the handlers that the callback registered, none of the parent's, and no
/// destructor of a static object; the destructors of the calling thread's thread_local objects do
/// run. Output of the callback to stdio and std::cout is written before the child ends. The child
/// has no handlers of the parent, and dies with it, however the parent ends.
///
/// On the ranks of a job, a portable callback (portable.hpp) whose arguments can be carried
/// (serializable.hpp) runs on the rank that has the most room, and sees memory as it was when
/// Application::run began; any other is forked by rank 0, as described. start() returns when the
/// process is there.
///
/// Inside a worker, and with PROCESSION_BACKEND=serial, start() runs the callback in this process,
/// to its end: same results and errors, but no isolation, and kill() has nothing to end.
///
/// Destroying the object of a running child kills it (SIGKILL). No zombie is left, whatever
/// happens.
///
/// Thread safety: one thread at a time per object; any thread may start, wait for and destroy it.
/// In a job only the thread of Application::run can wait for a process of another rank
/// (std::logic_error in others).
template <class Result>
class ForkProcess final : public ProcessInterface {
 public:
  /// Takes the callback; starts nothing.
  template <class Callback, class... Arguments>
    requires detail::TaskCall<Callback, Arguments...> &&
             (!std::same_as<std::remove_cvref_t<Callback>, ForkProcess>)
  explicit ForkProcess(Callback&& callback, Arguments&&... arguments)
      : task_(detail::makeTask<Result>(std::forward<Callback>(callback),
                                       std::forward<Arguments>(arguments)...)) {}

  void start() override { task_.start(); }
  [[nodiscard]] bool isRunning() const override { return task_.getStatus().isRunning(); }
  int wait() override { return task_.wait(); }
  [[nodiscard]] std::optional<int> getPid() const override { return task_.getPid(); }
  [[nodiscard]] std::optional<int> getExitCode() const override {
    return task_.getStatus().getShellCode();
  }
  [[nodiscard]] ProcessStatus getStatus() const override { return task_.getStatus(); }
  bool kill(int signal = SIGTERM) override { return task_.kill(signal); }

  /// What the callback returned; as often as asked for. Throws std::logic_error before the end;
  /// after a failure what happened: TaskError (the callback threw), WorkerLost (the process was
  /// killed or left by itself); PayloadError when the bytes cannot be turned into a Result.
  Result getOutput() const { return detail::decodeResult<Result>(task_.getResult()); }

  /// Whether this system can do it: Linux with pidfds.
  [[nodiscard]] static bool isSupported() { return detail::isForkProcessSupported(); }

 private:
  detail::ForkedTask task_;
};

template <class Callback, class... Arguments>
ForkProcess(Callback&&, Arguments&&...) -> ForkProcess<detail::TaskResult<Callback, Arguments...>>;

}  // namespace procession
