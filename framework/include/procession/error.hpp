#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "procession/process_status.hpp"

namespace procession {

/// The base of everything that Procession throws for a reason outside the program's text.
/// Wrong use of the API is `std::invalid_argument` or `std::logic_error` instead.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where something happened: which item, in which process. Fields that do not apply are empty.
struct Origin {
  std::optional<std::uint64_t> item;  // index in the user's items
  std::string host;
  std::optional<int> rank;  // on the mpi backend
  pid_t pid = 0;            // 0: not known

  /// "item 4711, pid 1234 on node7"; empty when nothing is known.
  [[nodiscard]] std::string describe() const;
};

/// An exception as it travels between processes: its dynamic type's name and its message.
struct ExceptionInfo {
  std::string type;     // demangled; "unknown exception" where the platform does not tell
  std::string message;  // what(); empty for objects that are no std::exception
  /// Of an exception that left a callback of a pool: the calls that led to its throw, innermost
  /// first, as "name (object+0x1a2b)"; `addr2line -e object 0x1a2b` tells the line. Empty where the
  /// platform does not tell (other than Linux on x86-64), and for nested exceptions.
  std::vector<std::string> backtrace{};
};

/// The callback threw. Holds the exception's type and message, and those of the exceptions nested
/// in it.
class TaskError : public Error {
 public:
  /// `chain`: the exception, then the ones nested in it, outermost first; at least one.
  TaskError(std::vector<ExceptionInfo> chain, Origin origin);

  [[nodiscard]] const std::string& getType() const { return chain_.front().type; }
  [[nodiscard]] const std::string& getMessage() const { return chain_.front().message; }
  [[nodiscard]] const std::vector<ExceptionInfo>& getChain() const { return chain_; }
  /// Where the callback threw, in the process that ran it; see ExceptionInfo::backtrace.
  [[nodiscard]] const std::vector<std::string>& getBacktrace() const {
    return chain_.front().backtrace;
  }
  [[nodiscard]] std::optional<std::uint64_t> getItem() const { return origin_.item; }
  [[nodiscard]] const std::string& getHost() const { return origin_.host; }
  [[nodiscard]] pid_t getPid() const { return origin_.pid; }
  [[nodiscard]] const Origin& getOrigin() const { return origin_; }

 private:
  std::vector<ExceptionInfo> chain_;
  Origin origin_;
};

/// The process that ran the callback ended before it returned: a signal, or an exit of its own.
class WorkerLost : public Error {
 public:
  WorkerLost(ProcessStatus status, Origin origin);

  [[nodiscard]] const ProcessStatus& getStatus() const { return status_; }
  [[nodiscard]] std::optional<int> getSignal() const { return status_.getSignal(); }
  [[nodiscard]] std::optional<int> getExitCode() const { return status_.getExitCode(); }
  [[nodiscard]] std::optional<std::uint64_t> getItem() const { return origin_.item; }
  [[nodiscard]] const std::string& getHost() const { return origin_.host; }
  [[nodiscard]] pid_t getPid() const { return origin_.pid; }
  [[nodiscard]] const Origin& getOrigin() const { return origin_; }

 private:
  ProcessStatus status_;
  Origin origin_;
};

/// The callback ran longer than its limit; its process was killed.
class TaskTimeout : public Error {
 public:
  TaskTimeout(std::chrono::milliseconds limit, Origin origin);

  [[nodiscard]] std::chrono::milliseconds getLimit() const { return limit_; }
  [[nodiscard]] std::optional<std::uint64_t> getItem() const { return origin_.item; }
  [[nodiscard]] const Origin& getOrigin() const { return origin_; }

 private:
  std::chrono::milliseconds limit_;
  Origin origin_;
};

/// Work was stopped from outside: SIGINT, SIGTERM, or the deadline (then without a signal).
class Interrupted : public Error {
 public:
  explicit Interrupted(const std::string& message, std::optional<int> signal = std::nullopt);

  [[nodiscard]] std::optional<int> getSignal() const { return signal_; }

 private:
  std::optional<int> signal_;
};

/// The operating system refused. The message says what was tried, why it failed and the way out.
class SystemError : public Error {
 public:
  /// `errorNumber`: an `errno` value; 0 where there is none. The message gets its text appended.
  SystemError(const std::string& what, int errorNumber);

  [[nodiscard]] int getErrno() const { return errorNumber_; }

 private:
  int errorNumber_;
};

/// An MPI call failed.
class MpiError : public Error {
 public:
  using Error::Error;
};

/// An HDF5 file or dataset cannot be used. The message names the file, the path in it and the
/// reason.
class Hdf5Error : public Error {
 public:
  using Error::Error;
};

/// Bytes that came from another process or a file are not what they should be, or a value cannot be
/// carried.
class PayloadError : public Error {
 public:
  using Error::Error;
};

/// A callback cannot be sent to another process. The message says why and what to do.
class PortabilityError : public Error {
 public:
  using Error::Error;
};

/// A journal cannot be read, written or does not belong to this operation.
class JournalError : public Error {
 public:
  using Error::Error;
};

}  // namespace procession
