#include "backend/fork_backend.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "backend/ranks.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "system/host_name.hpp"
#include "system/log.hpp"

namespace procession::detail {

ForkBackend::ForkBackend(int workerCount, std::unique_ptr<Spawner> spawner)
    : spawner_(std::move(spawner)) {
  for (int index = 0; index < workerCount; ++index) {
    try {
      // Not value-initialised: zeroing the buffers would touch all their pages.
      workers_.push_back(std::make_unique_for_overwrite<ForkedWorker>());
    } catch (const SystemError& error) {
      if (workers_.empty()) {
        throw;
      }
      lastErrno_ = error.getErrno();
      break;
    }
    start(index);
  }
  if (lastErrno_ == EMFILE || lastErrno_ == ENFILE) {
    leaveRoom(workerCount);
  }
}

void ForkBackend::leaveRoom(int wanted) {
  // Operations need descriptors, too: for signals, for large payloads, for workers in place of lost
  // ones.
  constexpr int kSpareWorkers = 3;
  while (workers_.size() > 1 && !workers_.back()->isConnected()) {
    workers_.pop_back();
  }
  for (int spare = 0; spare < kSpareWorkers && workers_.size() > 1; ++spare) {
    workers_.pop_back();  // it ends by itself, its channel being closed
  }
  log(LogLevel::Warn, "too many open files: going on with " + std::to_string(workers_.size()) +
                          " workers instead of " + std::to_string(wanted) + " (raise `ulimit -n`)");
}

void ForkBackend::start(int index) {
  try {
    FileDescriptor theirs = at(index).connect(nextNumber_++);
    spawner_->start(at(index).number(), std::move(theirs), at(index).arena().file());
  } catch (const SystemError& error) {
    at(index).disconnect();
    reportVacancy(error.getErrno());
  }
}

void ForkBackend::reportVacancy(int errorNumber) {
  // Warned of once: every operation tries again, for every worker that is missing.
  const LogLevel level = errorNumber == lastErrno_ ? LogLevel::Debug : LogLevel::Warn;
  lastErrno_ = errorNumber;
  log(level, std::string("some workers could not be started (") + std::strerror(errorNumber) +
                 "); going on with those there are");
}

void ForkBackend::begin(const OperationSetup& setup, BackendEvents& events) {
  setup_ = setup;
  for (int index = 0; index < placeCount(); ++index) {
    if (at(index).isConnected() && at(index).isBusy()) {
      // Of an operation that an error cut off before its chunks were back.
      spawner_->signal(at(index).number(), SIGKILL);
      at(index).disconnect();
    }
    if (!at(index).isConnected()) {
      start(index);
    }
    beginOn(index, events);
  }
}

void ForkBackend::beginOn(int index, BackendEvents& events) {
  if (setup_.id != 0 && at(index).isConnected()) {
    at(index).begin(setup_, payload_);
    events.workerReady(index, 1);
  }
}

void ForkBackend::send(int index, const Chunk& chunk, const Encoder& encode) {
  at(index).send(setup_.id, chunk, encode, payload_);
}

void ForkBackend::recall(int index, std::uint64_t chunk, BackendEvents& events) {
  if (at(index).takeBack(chunk)) {
    events.recallAnswered(index, chunk, true);
    return;
  }
  // A node of a reduction is one result, and cannot be cut.
  const std::uint64_t given = setup_.plan.shape.wholeNodes ? 0 : at(index).cutShort(chunk);
  if (given > 0) {
    events.shortened(index, chunk, given);
  } else {
    events.recallAnswered(index, chunk, false);
  }
}

void ForkBackend::stop() {
  for (const auto& worker : workers_) {
    worker->stop(setup_.id);
  }
}

void ForkBackend::signal(int index, int signal) {
  if (at(index).isConnected()) {
    spawner_->signal(at(index).number(), signal);
  }
}

std::optional<std::uint64_t> ForkBackend::currentItem(int index) const {
  return at(index).currentItem();
}

Backend::Span ForkBackend::spanOf(int index, std::uint64_t chunk) const {
  return at(index).isConnected() ? at(index).spanOf(chunk) : lost_;
}

int ForkBackend::workerCount() const {
  return static_cast<int>(std::count_if(workers_.begin(), workers_.end(),
                                        [](const auto& worker) { return worker->isConnected(); }));
}

void ForkBackend::wait(std::optional<Time> until, int wakeUp, BackendEvents& events) {
  if (workerCount() == 0) {
    throw SystemError(
        "no worker process can be started: the limit on processes or on open files is reached (see "
        "`ulimit -u`, "
        "`ulimit -n` and pids.max of the control group; or use fewer workers)",
        lastErrno_);
  }
  for (const auto& worker : workers_) {
    worker->flush();
  }
  waitForReadiness(until, wakeUp);
  // Starts before answers, so that answers can name their process; answers before deaths, since
  // what a worker had sent counts.
  const std::vector<Spawner::Report> reports = takeReports();
  for (int index = 0; index < placeCount(); ++index) {
    if (polled_[static_cast<std::size_t>(index) + 2].revents != 0) {
      // One message only: a second call would mostly find nothing, and poll tells when there is
      // more.
      receiveFrom(index, Receive::OneMessage, events);
    }
  }
  handleLosses(reports, events);
}

void ForkBackend::waitForReadiness(std::optional<Time> until, int wakeUp) {
  polled_.clear();
  polled_.push_back({spawner_->descriptor(), POLLIN, 0});
  polled_.push_back({wakeUp, POLLIN, 0});  // poll(2) passes over a negative descriptor
  for (const auto& worker : workers_) {
    polled_.push_back({worker->isListening() ? worker->channel() : -1, POLLIN, 0});
  }
  timespec timeout{};
  if (until) {
    const Time left = std::max(Time(0), *until - steadyNow());
    timeout.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000);
    timeout.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
  }
  if (ppoll(polled_.data(), polled_.size(), until ? &timeout : nullptr, nullptr) < 0) {
    if (errno != EINTR) {
      throw SystemError("cannot wait for workers", errno);
    }
    for (pollfd& polled : polled_) {
      polled.revents = 0;
    }
  }
}

void ForkBackend::receiveFrom(int index, Receive amount, BackendEvents& events) {
  ForkedWorker& worker = at(index);
  try {
    while (worker.isListening()) {
      const FrameReceiver::Outcome outcome = receiver_.receive(worker.channel(), false);
      if (outcome == FrameReceiver::Outcome::Nothing) {
        return;
      }
      if (outcome == FrameReceiver::Outcome::Closed) {
        worker.stopListening();
        return;
      }
      for (const Frame& frame : receiver_.frames()) {
        dispatch(index, frame, events);
      }
      if (amount == Receive::OneMessage) {
        return;
      }
    }
  } catch (const PayloadError& error) {
    // Something wrote over the worker's memory or its channel. It cannot be trusted any more.
    log(LogLevel::Warn, "worker " + std::to_string(worker.pid()) + " is ended: " + error.what());
    worker.stopListening();
    spawner_->signal(worker.number(), SIGKILL);
  }
}

void ForkBackend::dispatch(int index, const Frame& frame, BackendEvents& events) {
  ForkedWorker& worker = at(index);
  const FrameHeader& header = frame.header;
  const std::optional<std::size_t> slot = worker.slotOf(header.chunk);
  if (header.operation != setup_.id || header.chunk == 0 || !slot) {
    return;  // of an operation that was given up
  }
  try {
    const ReceivedPayload payload(frame, worker.arena().results(*slot));
    worker.notePayload(payload.view().size());
    takeAnswer(index, header, payload.view(), events);
  } catch (const PayloadError&) {
    worker.distrust(header.chunk);
    throw;
  }
  worker.release(header.chunk);
}

void ForkBackend::takeAnswer(int index, const FrameHeader& header, ByteView payload,
                             BackendEvents& events) {
  const Chunk chunk = at(index).chunkOf(header.chunk, header.count);
  if (setup_.plan.shape.wholeNodes && header.count != 0 && header.count != chunk.count) {
    throw PayloadError("malformed message from a worker: a part of a node");
  }
  const Time busy(static_cast<Time::rep>(header.nanoseconds));
  if (header.kind == FrameKind::Threw) {
    takeException(index, chunk, header, payload, events);
  } else if (header.kind == FrameKind::Aborted) {
    if (header.count > 0) {
      events.partDone(index, chunk.first, header.count, busy, payload);
    }
    events.chunkAborted(index, chunk.id, header.count);
  } else {
    if (header.count == 0) {
      throw PayloadError("malformed message from a worker: it did nothing of what it was given");
    }
    if (header.count < chunk.count) {
      events.shortened(index, chunk.id, chunk.count - header.count);
    }
    events.chunkDone(index, chunk.id, busy, payload);
  }
}

void ForkBackend::takeException(int index, const Chunk& chunk, const FrameHeader& header,
                                ByteView payload, BackendEvents& events) {
  ThrewTail tail;
  if (payload.size() < sizeof tail) {
    throw PayloadError("malformed message from a worker: an exception without its end");
  }
  PayloadReader(payload.last(sizeof tail)).read(&tail, sizeof tail);
  PayloadReader reader(payload.first(payload.size() - sizeof tail));
  const std::byte* results = reader.take(tail.resultBytes);
  std::vector<ExceptionInfo> chain = decodeChain(reader);
  std::optional<std::uint64_t> item;
  if (header.first != WorkerBoard::kNoItem) {
    item = at(index).itemIn(chunk.id, header.first);
    if (!item || *item < chunk.first + header.count) {
      throw PayloadError("malformed message from a worker: it was on an item it was not given");
    }
  }
  if (header.count > 0) {
    events.partDone(index, chunk.first, header.count,
                    Time(static_cast<Time::rep>(header.nanoseconds)), {results, tail.resultBytes});
  }
  events.chunkThrew(index, chunk.id, header.count,
                    Time(static_cast<Time::rep>(tail.itemNanoseconds)), std::move(chain),
                    originOf(index, item));
}

std::vector<Spawner::Report> ForkBackend::takeReports() {
  if (polled_[0].revents == 0) {
    return {};
  }
  std::vector<Spawner::Report> reports = spawner_->takeReports();
  for (const Spawner::Report& report : reports) {
    const int index = indexOf(report.worker);
    if (index >= 0 && report.type == Spawner::Report::Type::Started) {
      at(index).setPid(report.pid);
    }
  }
  return reports;
}

void ForkBackend::handleLosses(const std::vector<Spawner::Report>& reports, BackendEvents& events) {
  for (const Spawner::Report& report : reports) {
    const int index = indexOf(report.worker);
    if (index < 0) {
      continue;
    }
    if (report.type == Spawner::Report::Type::Failed) {
      handleFailedStart(index, report.errorNumber, events);
    } else if (report.type == Spawner::Report::Type::Ended) {
      handleEnd(index, report.status, events);
    }
  }
}

void ForkBackend::handleFailedStart(int index, int errorNumber, BackendEvents& events) {
  reportVacancy(errorNumber);
  lost_ = {};
  at(index).disconnect();
  events.workerLost(index, std::nullopt, Time(0), ProcessStatus(), originOf(index, std::nullopt));
}

void ForkBackend::handleEnd(int index, ProcessStatus status, BackendEvents& events) {
  receiveFrom(index, Receive::EverythingThere, events);
  const std::optional<std::uint64_t> begun = at(index).begunChunk();
  const Origin origin =
      originOf(index, begun ? at(index).itemIn(*begun, at(index).currentItem()) : std::nullopt);
  lost_ = begun ? at(index).spanOf(*begun) : Span{at(index).pid()};
  const Time took = at(index).timeOnItem();
  at(index).disconnect();
  events.workerLost(index, begun, took, status, origin);
  start(index);
  beginOn(index, events);
}

int ForkBackend::indexOf(int number) const {
  const auto found = std::find_if(workers_.begin(), workers_.end(), [&](const auto& worker) {
    return worker->isConnected() && worker->number() == number;
  });
  return found == workers_.end() ? -1 : static_cast<int>(found - workers_.begin());
}

void ForkBackend::end(int wakeUp) {
  const bool awaitsEnds = setup_.plan.shape.awaitsEnds;
  for (const auto& worker : workers_) {
    if (worker->isConnected()) {
      worker->end(setup_.id, awaitsEnds);
      if (setup_.holdsResources || awaitsEnds) {
        worker->flush();
      }  // else it travels with the next operation: waking every worker costs as much as a small
         // one
      worker->trim();
    }
  }
  if (awaitsEnds) {
    awaitEnds(wakeUp);
  }
  payload_.restart({});
  setup_ = {};
}

void ForkBackend::awaitEnds(int wakeUp) {
  std::vector<bool> isEnding(workers_.size());
  std::transform(workers_.begin(), workers_.end(), isEnding.begin(),
                 [](const auto& worker) { return worker->isListening(); });
  const Time limit = setup_.plan.timeout;
  std::optional<Time> until = limit > Time(0) ? std::optional(steadyNow() + limit) : std::nullopt;
  while (std::find(isEnding.begin(), isEnding.end(), true) != isEnding.end()) {
    waitForReadiness(until, wakeUp);
    if ((until && steadyNow() >= *until) || polled_[1].revents != 0) {
      for (int index = 0; index < placeCount(); ++index) {
        if (isEnding[static_cast<std::size_t>(index)]) {
          signal(index, SIGKILL);
        }
      }
      until.reset();
      wakeUp = -1;  // what is left to wait for are the reports of their deaths
    }
    const std::vector<Spawner::Report> reports = takeReports();
    for (int index = 0; index < placeCount(); ++index) {
      const auto place = static_cast<std::size_t>(index);
      if (polled_[place + 2].revents != 0 && receiveEnded(index)) {
        isEnding[place] = false;
      }
    }
    for (const Spawner::Report& report : reports) {
      const int index = indexOf(report.worker);
      if (index >= 0 && report.type != Spawner::Report::Type::Started) {
        at(index).disconnect();  // the next operation has it replaced
        isEnding[static_cast<std::size_t>(index)] = false;
      }
    }
  }
}

bool ForkBackend::receiveEnded(int index) {
  ForkedWorker& worker = at(index);
  try {
    if (receiver_.receive(worker.channel(), false) == FrameReceiver::Outcome::Closed) {
      worker.stopListening();
      return false;  // its death will be reported
    }
    return std::ranges::any_of(receiver_.frames(), [&](const Frame& frame) {
      return frame.header.kind == FrameKind::Ended && frame.header.operation == setup_.id;
    });
  } catch (const PayloadError&) {
    worker.stopListening();
    spawner_->signal(worker.number(), SIGKILL);
    return false;
  }
}

void ForkBackend::killAll() {
  for (int index = 0; index < placeCount(); ++index) {
    signal(index, SIGKILL);
  }
}

void ForkBackend::shutdown(Time grace) {
  for (const auto& worker : workers_) {
    if (worker->isConnected()) {
      worker->hangUp();
    }
  }
  const Time until = steadyNow() + grace;
  bool killed = false;
  while (workerCount() > 0) {
    if (!killed && steadyNow() >= until) {
      killAll();
      killed = true;
    }
    waitForReadiness(killed ? std::nullopt : std::optional(until), -1);
    for (const Spawner::Report& report : spawner_->takeReports()) {
      const int index = indexOf(report.worker);
      if (index >= 0 && report.type != Spawner::Report::Type::Started) {
        at(index).disconnect();
      }
    }
  }
}

Origin ForkBackend::originOf(int index, std::optional<std::uint64_t> item) const {
  return {.item = item, .host = hostName(), .rank = ownRank(), .pid = at(index).pid()};
}

}  // namespace procession::detail
