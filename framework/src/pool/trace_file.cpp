#include "pool/trace_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "backend/backend.hpp"
#include "backend/ranks.hpp"
#include "procession/error.hpp"
#include "system/environment.hpp"
#include "system/host_name.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

constexpr std::size_t kMostBuffered = std::size_t{64} << 10;
constexpr Time kFlushEvery = std::chrono::seconds(1);
// The program may do without operations for long, but many operations are shorter than a write.
constexpr Time kFlushAtEnds = std::chrono::milliseconds(100);

FileDescriptor create(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file.isOpen()) {
    throw SystemError("PROCESSION_TRACE: cannot write the file '" + path + "'", errno);
  }
  return file;
}

const std::optional<std::string>& tracePath() {
  static const std::optional<std::string> path = readVariable("PROCESSION_TRACE");
  return path;
}

std::string nameOfRank(int rank) {
  const Ranks* ranks = activeRanks();
  return ranks == nullptr ? hostName()
                          : "rank " + std::to_string(rank) + " on " + ranks->hostOf(rank);
}

}  // namespace

TraceFile::TraceFile(std::string path)
    : path_(std::move(path)),
      owner_(getpid()),
      file_(create(path_)),
      start_(wallTime(steadyNow())) {}

TraceFile::~TraceFile() {
  if (getpid() != owner_) {
    return;
  }
  const std::lock_guard lock(mutex_);
  buffer_ += isEmpty_ ? "[]\n" : "\n]\n";
  flush();
}

void TraceFile::add(int rank, std::string_view operation, const TraceRecord& record) {
  const std::lock_guard lock(mutex_);
  const TraceRow row = record.process != 0 ? TraceRow{rank, record.process} : ownRow();
  introduce(row, record.isAgents != 0 ? "agent" : record.process != 0 ? "worker" : "parent");
  append(traceEvent(row, operation, record, start_));
}

void TraceFile::beginOperation(std::string_view operation, std::uint64_t id, std::uint64_t items,
                               bool nests) {
  const std::lock_guard lock(mutex_);
  const TraceRow row = ownRow();
  introduce(row, "parent");
  append(traceOperationBegin(row, operation, id, items, nests, wallTime(steadyNow()) - start_));
}

void TraceFile::endOperation(std::string_view operation, std::uint64_t id, std::uint64_t done,
                             std::uint64_t failed, bool nests) {
  const std::lock_guard lock(mutex_);
  append(traceOperationEnd(ownRow(), operation, id, done, failed, nests,
                           wallTime(steadyNow()) - start_));
  if (steadyNow() - lastFlush_ >= kFlushAtEnds) {
    flush();
  }
}

TraceRow TraceFile::ownRow() const { return {0, gettid()}; }

void TraceFile::introduce(const TraceRow& row, std::string_view name) {
  if (knownRanks_.insert(row.rank).second) {
    append(traceRankName(row.rank, nameOfRank(row.rank)));
  }
  if (knownRows_.insert(row).second) {
    append(traceRowName(row, name));
  }
}

void TraceFile::append(const std::string& event) {
  buffer_ += isEmpty_ ? "[\n" : ",\n";
  buffer_ += event;
  isEmpty_ = false;
  if (buffer_.size() >= kMostBuffered || steadyNow() - lastFlush_ >= kFlushEvery) {
    flush();
  }
}

void TraceFile::flush() {
  lastFlush_ = steadyNow();
  if (!file_.isOpen() || getpid() != owner_) {
    buffer_.clear();
    return;
  }
  for (std::string_view rest = buffer_; !rest.empty();) {
    const ssize_t written = ::write(file_.get(), rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      log(LogLevel::Warn,
          "PROCESSION_TRACE: cannot go on with the file '" + path_ + "': " + std::strerror(errno));
      // Not a piece of an event.
      [[maybe_unused]] const int cut = ::ftruncate(file_.get(), written_);
      file_.reset();
      break;
    }
  }
  written_ += static_cast<off_t>(buffer_.size());
  buffer_.clear();
}

bool isTracing() { return tracePath().has_value() && !isInsideWorker(); }

TraceFile* traceFile() {
  if (!isTracing()) {
    return nullptr;
  }
  static TraceFile file(*tracePath());
  return &file;
}

}  // namespace procession::detail
