#pragma once

#include <sys/types.h>

#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "pool/trace_text.hpp"
#include "system/fork.hpp"

namespace procession::detail {

/// What operations did, for Perfetto and chrome://tracing: the file that PROCESSION_TRACE names.
///
/// A JSON array of events, a line each. Whole events are written, at least once a second while
/// there are some, and the closing bracket at exit; the format does not need it, so that the trace
/// of a program that was killed can be opened as well.
///
/// Thread safety: any number of threads.
class TraceFile {
 public:
  /// Throws SystemError that names the variable and the file.
  explicit TraceFile(std::string path);
  /// Completes it; in a process that inherited it, nothing.
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  /// Which operation the events that follow belong to is told by `operation`, its name.
  void add(int rank, std::string_view operation, const TraceRecord& record);
  void beginOperation(std::string_view operation, std::uint64_t id, std::uint64_t items,
                      bool nests);
  void endOperation(std::string_view operation, std::uint64_t id, std::uint64_t done,
                    std::uint64_t failed, bool nests);

 private:
  [[nodiscard]] TraceRow ownRow() const;
  void introduce(const TraceRow& row, std::string_view name);
  void append(const std::string& event);
  void flush();

  std::mutex mutex_;
  std::string path_;
  pid_t owner_;
  PrivateDescriptor file_;
  Time start_;
  std::string buffer_;  // whole events
  Time lastFlush_{0};
  off_t written_ = 0;
  bool isEmpty_ = true;
  std::set<int> knownRanks_;
  std::set<TraceRow> knownRows_;
};

/// PROCESSION_TRACE is set, and this process is one whose operations are traced: no worker.
[[nodiscard]] bool isTracing();

/// The parent's, opened at the first call; null when there is none. Throws SystemError.
TraceFile* traceFile();

}  // namespace procession::detail
