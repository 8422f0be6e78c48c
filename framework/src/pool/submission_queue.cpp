#include "pool/submission_queue.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "backend/ranks.hpp"
#include "backend/serial_backend.hpp"
#include "pool/busy_scope.hpp"
#include "pool/submission_kernel.hpp"
#include "procession/detail/pool/thrown_item.hpp"
#include "procession/error.hpp"
#include "system/fork.hpp"

namespace procession::detail {

namespace {

// How often submit() looks after the workers while they have work: each look costs some
// microseconds, which many submissions should share. The longer they come, the less often.
constexpr Time kStepEvery = std::chrono::microseconds(50);
constexpr Time kStepEveryAtMost = std::chrono::milliseconds(1);
// Chunks in flight a worker: so many submissions are handed out at once, each by itself.
constexpr std::uint64_t kAtOnce = 2;

std::uint64_t nextOrder() {
  static std::atomic<std::uint64_t> last = 0;  // pools may work in several threads
  return ++last;
}

PoolOptions optionsFor(PoolOptions options) {
  options.progress = Progress::Off;  // there is no end to count towards
  options.retries = 0;  // are seen to here, where an exception of one call leaves the others alone
  return options;
}

}  // namespace

SubmissionQueue::SubmissionQueue(Backend& backend, std::atomic<bool>& busy,
                                 std::uint64_t& processedCount, const PoolOptions& options)
    : backend_(backend),
      busy_(busy),
      processedCount_(processedCount),
      options_(options),
      owner_(knownPid()),
      isSerial_(dynamic_cast<const SerialBackend*>(&backend) != nullptr) {}

SubmissionQueue::~SubmissionQueue() {
  if (isForeign()) {
    static_cast<void>(loop_.release());  // the workers are another process's
  }
}

bool SubmissionQueue::isForeign() const { return knownPid() != owner_; }

void SubmissionQueue::submit(const std::shared_ptr<Submission>& submission) {
  begin();
  if (open_ == 0) {
    sinceIdle_ = 0;
    busySince_ = steadyNow();
  }
  ++sinceIdle_;
  ++open_;
  submission->queue = this;
  add(submission);
  if (shouldStep()) {
    step(Time(0));
  }
}

/// The first ones go to the workers, which may be waiting, without delay. Later ones go in batches.
bool SubmissionQueue::shouldStep() const {
  if (isSerial_) {
    return false;  // a step makes calls here and now: for those who ask for results
  }
  if (sinceIdle_ <= kAtOnce * workerCount_) {
    return true;
  }
  const Time now = steadyNow();
  return now - lastStep_ >= std::clamp<Time>((now - busySince_) / 8, kStepEvery, kStepEveryAtMost);
}

void SubmissionQueue::begin() {
  if (loop_ != nullptr) {
    return;
  }
  endedBy_ = nullptr;
  Operation& calls = *this;
  loop_ = std::make_unique<OperationLoop>(backend_, calls, optionsFor(options_));
  try {
    loop_->begin();
    loop_->pause();
  } catch (...) {
    loop_.reset();
    throw;
  }
  workerCount_ = static_cast<std::uint64_t>(backend_.workerCount());
}

void SubmissionQueue::add(const std::shared_ptr<Submission>& submission) {
  submission->item = first_ + submissions_.size();
  submissions_.push_back(submission);
  loop_->addItems(1);
}

void SubmissionQueue::drive(std::optional<Time> until) {
  const BusyScope scope(busy_);
  if (backend_.isOfAgents()) {
    requireRanksThread();
  }
  step(until);
}

void SubmissionQueue::step(std::optional<Time> until) {
  if (loop_ == nullptr) {
    return;
  }
  try {
    if (until && *until <= Time(0)) {
      loop_->glance();
    } else {
      loop_->step(until);
      loop_->pause();
    }
  } catch (...) {
    // No worker is left, and none can be made.
    loop_.reset();
    failOpen(std::current_exception());
    return;
  }
  lastStep_ = steadyNow();
  forgetSettled();
  if (loop_->isCancelled()) {
    end();
  }
}

void SubmissionQueue::end() {
  std::exception_ptr error;
  try {
    loop_->closeItems();
    while (!loop_->isFinished()) {
      loop_->step();
    }
    loop_->end();
  } catch (...) {
    error = std::current_exception();
  }
  processedCount_ += loop_->doneItems();
  const std::unique_ptr<OperationLoop> ended = std::move(loop_);
  const bool isTold = open_ > 0;
  failOpen(error);
  if (!isTold) {
    ended->passSignalOn();
  }
}

void SubmissionQueue::finish() {
  if (loop_ == nullptr) {
    return;
  }
  while (loop_ != nullptr && open_ > 0) {
    step(std::nullopt);
  }
  if (loop_ != nullptr) {
    end();
  }
  if (endedBy_ != nullptr) {
    std::rethrow_exception(std::exchange(endedBy_, nullptr));
  }
}

void SubmissionQueue::abandon() {
  if (loop_ == nullptr) {
    return;
  }
  const auto gone =
      std::make_exception_ptr(Interrupted("the pool ended before this submission was done"));
  try {
    loop_->abandon();
  } catch (const std::exception&) {
    // No worker is left: nothing is under way either.
  }
  processedCount_ += loop_->doneItems();
  loop_.reset();
  failOpen(gone);
}

void SubmissionQueue::failOpen(const std::exception_ptr& error) {
  for (const std::shared_ptr<Submission>& submission : submissions_) {
    if (submission != nullptr) {
      submission->error = error != nullptr ? error : submission->error;
      settle(*submission);
      endedBy_ = submission->error;
    }
  }
  submissions_.clear();
  first_ = 0;
}

bool SubmissionQueue::cancel(Submission& submission) {
  const BusyScope scope(busy_);
  if (loop_ == nullptr || loop_->scheduler().withdrawItems(submission.item, 1) == 0) {
    return false;
  }
  submission.error = std::make_exception_ptr(Interrupted("cancelled before it had begun"));
  const std::shared_ptr<Submission> kept = std::move(at(submission.item));
  settle(*kept);
  forgetSettled();
  return true;
}

Operation::Shape SubmissionQueue::shape() const {
  constexpr std::size_t kUsualBytes = 64;  // a guess
  return {.items = std::numeric_limits<std::uint64_t>::max(),
          .itemBytes = kUsualBytes,
          .answersAtOnce = true};
}

KernelFactory* SubmissionQueue::kernel() const { return &makeKernel<SubmissionKernel>; }

void SubmissionQueue::encodeItems(PayloadWriter& writer, std::uint64_t first,
                                  std::uint64_t count) const {
  for (std::uint64_t item = first; item < first + count; ++item) {
    const std::vector<std::byte>& bytes = submissions_[item - first_]->bytes;
    writer.writeWord(bytes.size());
    writer.write(bytes.data(), bytes.size());
  }
}

void SubmissionQueue::accept(std::uint64_t first, std::uint64_t count, ByteView results) {
  PayloadReader reader(results);
  for (std::uint64_t item = first; item < first + count; ++item) {
    SubmissionHeader header;
    reader.read(&header, sizeof header);
    const std::byte* bytes = reader.take(header.length);
    // Taken out of the queue when nothing can fail any more: else nobody would ever settle it.
    if (header.failed != 0) {
      PayloadReader message({bytes, header.length});
      endAttempt(at(item), decodeThrown(message));
    } else {
      at(item)->bytes.assign(bytes, bytes + header.length);
      const std::shared_ptr<Submission> submission = std::move(at(item));
      settle(*submission);
    }
  }
  reader.expectEnd();
}

std::shared_ptr<Submission>& SubmissionQueue::at(std::uint64_t item) {
  if (item < first_ || item - first_ >= submissions_.size() ||
      submissions_[item - first_] == nullptr) {
    throw PayloadError(
        "malformed message from another process: the result of a submission that is not open");
  }
  return submissions_[item - first_];
}

void SubmissionQueue::itemFailed(std::uint64_t item, const std::exception_ptr& error) {
  endAttempt(at(item), error);
}

void SubmissionQueue::endAttempt(std::shared_ptr<Submission>& place,
                                 const std::exception_ptr& error) {
  const bool isLast = place->attempts++ >= options_.retries;
  if (isLast || loop_->isCancelled()) {
    place->error = error;
  }
  if (!isLast && loop_->isCancelled()) {
    return;  // it stays open, and comes to what has ended the operation
  }
  const std::shared_ptr<Submission> submission = std::move(place);
  if (isLast) {
    settle(*submission);
  } else {
    add(submission);
  }
}

void SubmissionQueue::settle(Submission& submission) {
  submission.queue = nullptr;
  submission.order = nextOrder();
  --open_;
}

void SubmissionQueue::forgetSettled() {
  while (!submissions_.empty() && submissions_.front() == nullptr) {
    submissions_.pop_front();
    ++first_;
  }
}

PayloadWriter& beginCall() {
  constexpr std::size_t kKept = std::size_t{1} << 20;
  thread_local std::optional<HeapPayload> memory;
  if (!memory || memory->size() > kKept) {
    memory.emplace();
  }
  memory->truncate(0);
  return *memory;
}

// Submissions as futures see them.

void awaitSettled(const Submission& submission,
                  std::optional<std::chrono::steady_clock::time_point> until) {
  const std::optional<Time> limit = until ? std::optional(until->time_since_epoch()) : std::nullopt;
  if (!submission.isSettled() && submission.queue->isForeign()) {
    throw std::logic_error("this Future is of a pool of another process");
  }
  bool isOver = false;  // one look at least
  while (!submission.isSettled() && !isOver) {
    submission.queue->drive(limit);
    isOver = limit && steadyNow() >= *limit;
  }
}

bool cancelSubmission(Submission& submission) {
  return !submission.isSettled() && !submission.queue->isForeign() &&
         submission.queue->cancel(submission);
}

ByteView resultOf(const Submission& submission) {
  if (submission.error != nullptr) {
    std::rethrow_exception(submission.error);
  }
  return submission.bytes;
}

SettlingOrder::SettlingOrder(std::vector<const Submission*> submissions) {
  open_.reserve(submissions.size());
  for (const Submission* submission : submissions) {
    open_.push_back({submission, open_.size()});
  }
}

std::optional<std::size_t> SettlingOrder::next() {
  while (settled_.empty() && !open_.empty()) {
    collect();
    if (settled_.empty()) {
      drive();
    }
  }
  if (settled_.empty()) {
    return std::nullopt;
  }
  const std::size_t place = settled_.back().place;
  settled_.pop_back();
  return place;
}

void SettlingOrder::collect() {
  std::erase_if(open_, [this](const Entry& entry) {
    if (entry.submission->isSettled()) {
      settled_.push_back(entry);
      return true;
    }
    return false;
  });
  std::ranges::sort(settled_, std::ranges::greater(),
                    [](const Entry& entry) { return entry.submission->order; });
}

void SettlingOrder::drive() const {
  constexpr auto kTurn = std::chrono::milliseconds(1);
  const SubmissionQueue* first = open_.front().submission->queue;
  const bool isOne = std::ranges::all_of(
      open_, [first](const Entry& entry) { return entry.submission->queue == first; });
  if (isOne) {
    SubmissionQueue* queue = open_.front().submission->queue;
    if (queue->isForeign()) {
      throw std::logic_error("this Future is of a pool of another process");
    }
    queue->drive(std::nullopt);
    return;
  }
  // They take turns.
  std::vector<const SubmissionQueue*> driven;
  for (const Entry& entry : open_) {
    SubmissionQueue* queue = entry.submission->queue;
    if (queue != nullptr && std::ranges::find(driven, queue) == driven.end()) {
      driven.push_back(queue);
      awaitSettled(*entry.submission, std::chrono::steady_clock::now() + kTurn);
    }
  }
}

}  // namespace procession::detail
