#include "process/remote_attempt.hpp"

#include <atomic>
#include <string>
#include <utility>

#include "backend/error_message.hpp"
#include "backend/value_exchange.hpp"
#include "backend/value_sender.hpp"
#include "process/child_body.hpp"
#include "process/placement.hpp"
#include "procession/detail/wire/code_address.hpp"
#include "procession/detail/wire/codec.hpp"
#include "system/shared_memory.hpp"

namespace procession::detail {

namespace {

/// A task that another rank sent.
class ReceivedTask final : public Task {
 public:
  explicit ReceivedTask(FileDescriptor memory) : memory_(std::move(memory)) {}

  void run(PayloadWriter& writer) override {
    readTask()->run(writer);  // what cannot be read is told like what the task throws
  }

 private:
  [[nodiscard]] std::unique_ptr<Task> readTask() {
    const Mapping bytes(memory_.get(), sizeOfFile(memory_.get()));
    memory_.reset();
    PayloadReader reader(bytes.bytes());
    openPlaces(reader, sharedValues());
    TaskFactory* factory = resolveFunction<TaskFactory>(decode<CodeAddress>(reader));
    std::unique_ptr<Task> task = factory(reader);
    reader.expectEnd();
    return task;
  }

  FileDescriptor memory_;
};

/// A ChildBody.
void runReceivedTask(FileDescriptor channel, FileDescriptor memory) {
  ReceivedTask task(std::move(memory));
  runChildBody(task, channel.get());
}

}  // namespace

/// Between the attempt and its process. It stays until the process has ended, also when the attempt
/// is gone.
class RemoteAttempt::Line final : public MailRoom::Addressee {
 public:
  Line(MailRoom& room, int rank)
      : room_(room), rank_(rank), seat_(std::make_unique<RankSeat>(rank)) {}

  void open(const std::shared_ptr<Line>& self, std::shared_ptr<const HeapPayload> bytes) {
    number_ = room_.enter(self);
    room_.addWork(rank_, 1);
    bringValuesTo(rank_);
    send(RankMessageKind::StartTask, 0, std::move(bytes));
    room_.expectAnswer();
  }

  void take(RankMessage message) override {
    const RankHeader& header = message.header;
    if (header.kind == RankMessageKind::TaskStarted) {
      pid_ = header.value;
      return;
    }
    if (header.kind == RankMessageKind::TaskRefused) {
      refusal_ = refusalOf(message);
      seat_->refuse();
    } else if (header.kind == RankMessageKind::TaskEnded &&
               header.count <= static_cast<std::uint64_t>(MessageKind::Malformed)) {
      status_ = ProcessStatus::fromWaitid(static_cast<int>(header.first), header.value);
      message_.kind = static_cast<MessageKind>(header.count);
      message_.payload =
          message.payload ? std::move(message.payload) : std::make_shared<const HeapPayload>();
    } else {
      throw PayloadError("malformed message from rank " + std::to_string(rank_) + " on " + host() +
                         ": no answer about a task");
    }
    close();
  }

  void sendRequests() override {
    const std::uint64_t asked = asked_.exchange(0);
    for (int signal = 1; signal < NSIG && asked != 0; ++signal) {
      if ((asked >> (signal - 1) & 1) != 0) {
        this->signal(signal);
      }
    }
  }

  /// In the thread of the ranks.
  void signal(int signal) { send(RankMessageKind::SignalTask, signal); }

  /// Anywhere, in handlers, too.
  void ask(int signal) noexcept {
    asked_ |= std::uint64_t{1} << (signal - 1);
    room_.noteRequest();
  }

  /// In the thread of the ranks: until `isDone`.
  template <class Predicate>
  void waitUntil(Predicate isDone) {
    requireRanksThread();
    room_.expectLife();
    while (!isDone()) {
      room_.wait(std::nullopt, -1);
    }
  }

  /// The job is over, and the process with it.
  [[nodiscard]] bool isCut() const { return mailRoom() != &room_; }
  [[nodiscard]] bool hasEnded() const { return hasEnded_ || isCut(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] const std::string& host() const { return host_; }

  // Once it has ended.
  [[nodiscard]] const std::optional<SystemError>& refusal() const { return refusal_; }
  [[nodiscard]] ProcessStatus status() const {
    return hasEnded_ ? status_
           : isCut() ? ProcessStatus::signaled(SIGKILL)
                     : ProcessStatus::running();
  }
  [[nodiscard]] TaskMessage message() const { return hasEnded_ ? message_ : TaskMessage(); }

 private:
  void send(RankMessageKind kind, int value, std::shared_ptr<const HeapPayload> bytes = nullptr) {
    RankHeader header;
    header.kind = kind;
    header.pool = number_;
    header.value = value;
    room_.send(rank_, header, std::move(bytes));
  }

  [[nodiscard]] SystemError refusalOf(const RankMessage& message) const {
    const std::string where =
        "cannot start a process on rank " + std::to_string(rank_) + " (" + host_ + ")";
    if (message.header.value != 0) {
      return {where, message.header.value};
    }
    PayloadReader reader(message.bytes());
    try {
      std::rethrow_exception(decodeError(reader));
    } catch (const std::exception& error) {
      return {where + ": " + error.what(), 0};
    }
  }

  void close() {
    room_.addWork(rank_, -1);
    seat_.reset();
    hasEnded_ = true;  // last: who sees it sees all of it
    room_.leave(number_);
  }

  MailRoom& room_;
  int rank_;
  std::string host_ = room_.ranks().hostOf(rank_);
  std::uint32_t number_ = 0;
  std::unique_ptr<RankSeat> seat_;
  std::atomic<pid_t> pid_ = 0;            // 0: not told yet
  std::atomic<std::uint64_t> asked_ = 0;  // bit n - 1: signal n is to be sent

  std::optional<SystemError> refusal_;
  ProcessStatus status_ = ProcessStatus::running();
  TaskMessage message_;
  std::atomic<bool> hasEnded_ = false;
};

RemoteAttempt::RemoteAttempt(MailRoom& room, int rank, std::shared_ptr<const HeapPayload> bytes)
    : line_(std::make_shared<Line>(room, rank)) {
  line_->open(line_, std::move(bytes));
}

RemoteAttempt::~RemoteAttempt() {
  if (line_->hasEnded()) {
    return;
  }
  if (!isRanksThread()) {
    line_->ask(SIGKILL);
    return;
  }
  try {
    line_->signal(SIGKILL);
    waitForEnd();
  } catch (const std::exception&) {
    // The job is ending, and all processes with it.
  }
}

void RemoteAttempt::writeBody(PayloadWriter& writer) {
  encode(writer, locateFunction(&runReceivedTask));
}

std::optional<pid_t> RemoteAttempt::getPid() const {
  const pid_t pid = line_->pid();
  return pid != 0 ? std::optional(pid) : std::nullopt;
}

bool RemoteAttempt::takeIn() { return line_->hasEnded(); }

void RemoteAttempt::waitForStart() {
  line_->waitUntil([this] { return line_->pid() != 0 || line_->hasEnded(); });
}

void RemoteAttempt::waitForEnd() {
  if (!line_->hasEnded()) {
    line_->waitUntil([this] { return line_->hasEnded(); });
  }
}

bool RemoteAttempt::kill(int signal) {
  requireSignal(signal);
  if (line_->hasEnded()) {
    return false;
  }
  if (signal != 0) {
    if (isRanksThread()) {
      line_->signal(signal);
    } else {
      line_->ask(signal);
    }
  }
  return true;
}

void RemoteAttempt::requestKill(int signal) noexcept {
  if (signal != 0 && !line_->hasEnded()) {
    line_->ask(signal);
  }
}

std::optional<SystemError> RemoteAttempt::getRefusal() const { return line_->refusal(); }

ProcessStatus RemoteAttempt::getStatus() const { return line_->status(); }

TaskMessage RemoteAttempt::getMessage() const { return line_->message(); }

Origin RemoteAttempt::getOrigin() const {
  return {.item = std::nullopt, .host = line_->host(), .rank = line_->rank(), .pid = line_->pid()};
}

}  // namespace procession::detail
