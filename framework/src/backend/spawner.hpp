#pragma once

#include <sys/types.h>

#include <memory>
#include <vector>

#include "procession/process_status.hpp"
#include "system/file_descriptor.hpp"

namespace procession::detail {

/// Forks workers and tells how they end. Workers go by numbers of the caller's choice, never by
/// pid: a pid may be another process's by the time it is used.
class Spawner {
 public:
  struct Report {
    enum class Type {
      Started,  // pid
      Failed,   // no process could be made: errorNumber
      Ended,    // status
    };
    int worker = 0;
    Type type = Type::Started;
    pid_t pid = 0;
    int errorNumber = 0;
    ProcessStatus status;
  };

  Spawner() = default;
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;
  /// Ends and reaps the workers that are left.
  virtual ~Spawner() = default;

  /// Asks for a worker with its ends of the channel and of the arena; Started or Failed follows as
  /// a report.
  virtual void start(int worker, FileDescriptor channel, const FileDescriptor& arena) = 0;
  /// No effect on a worker that has ended.
  virtual void signal(int worker, int signal) = 0;
  /// Readable (poll) when there are reports to take.
  [[nodiscard]] virtual int descriptor() const = 0;
  /// What happened since the last call; never waits. Throws SystemError when the fork server is
  /// gone.
  virtual std::vector<Report> takeReports() = 0;
};

/// Forks from the calling process: workers see its memory as it is now.
std::unique_ptr<Spawner> makeDirectSpawner();

}  // namespace procession::detail
