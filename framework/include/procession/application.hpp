#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "procession/container.hpp"

namespace procession {

namespace detail {

int runApplication(int argc, char** argv, const std::function<int()>& body);

}  // namespace detail

/// The frame around a program: what has to happen before its first line and after its last.
///
///     int main(int argc, char** argv) {
///       return Application::run(argc, argv, [&] { ... });
///     }
///
/// At the start the environment is checked and a small process is forked that later forks the
/// workers. They start from a clean, single-threaded process, however much memory the body holds
/// and whatever threads it has by then; and they see global variables as they were at this point.
///
/// Programs may do without: then workers are forked from the program itself, and see its memory as
/// it is at that time.
struct Application {
  /// Calls `body` once and returns the exit status for `main`: what body returns, or 0 if it
  /// returns nothing.
  ///
  /// `body`: () -> void or int. An exception that escapes from it is told on stderr with its type,
  /// and the status is 1. For Interrupted by a signal, the process ends by that same signal once
  /// everything is cleaned up, so that shells and batch systems see it. A bad value in the
  /// environment is told in one line, and the status is 2; body is not called. Of several
  /// ranks of a launcher (mpirun, srun) rank 0 calls body; the others serve until it is done and
  /// return 0. Ranks that cannot work together, or a program without the mpi component,
  /// are told once, status 1.
  ///
  /// Whatever happens, no worker is left. A call from inside another throws std::logic_error.
  template <class Body>
  static int run(int argc, char** argv, Body body) {
    using Result = std::invoke_result_t<Body&>;
    static_assert(std::is_void_v<Result> || std::is_same_v<Result, int>,
                  "the body of Application::run returns nothing, or an exit status (int)");
    return detail::runApplication(argc, argv, [&body]() -> int {
      if constexpr (std::is_void_v<Result>) {
        body();
        return 0;
      } else {
        return body();
      }
    });
  }

  /// The container behind app(): it has the services of ProcessServiceProvider; add your own.
  static Container& getContainer();
};

/// A service of the program's container: "process.pool" is a ProcessPool, "process.manager" a
/// ProcessManager, a new one each time.
///
///     auto pool = app<ProcessPool>("process.pool");
///
/// Throws std::out_of_range for an unknown name, std::invalid_argument for another type, both with
/// what there is.
template <class Service>
[[nodiscard]] Service app(const std::string& name) {
  return Application::getContainer().make<Service>(name);
}

}  // namespace procession
