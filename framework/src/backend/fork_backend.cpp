#include "backend/fork_backend.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "procession/detail/wire/exception_chain.hpp"
#include "system/host_name.hpp"
#include "system/log.hpp"

namespace procession::detail {

ForkBackend::ForkBackend(int workerCount, std::unique_ptr<Spawner> spawner)
    : spawner_(std::move(spawner)) {
  for (int index = 0; index < workerCount; ++index) {
    try {
      // Not value-initialised: zeroing the buffers would touch all their pages.
      workers_.push_back(std::make_unique_for_overwrite<Worker>());
    } catch (const SystemError& error) {
      if (workers_.empty()) {
        throw;
      }
      log(LogLevel::Warn, std::string("going on with ") + std::to_string(workers_.size()) +
                              " workers instead of " + std::to_string(workerCount) + ": " + error.what());
      break;
    }
    start(index, nullptr);
  }
}

ForkBackend::~ForkBackend() = default;  // the spawner ends and reaps whatever is left

void ForkBackend::start(int index, BackendEvents* events) {
  Worker& worker = *workers_[static_cast<std::size_t>(index)];
  try {
    SocketPair sockets = makeSocketPair();
    worker.arena.reset();
    worker.chunks.fill(0);
    worker.sender.clear();
    worker.channel = PrivateDescriptor(std::move(sockets.first));
    worker.channelClosed = false;
    worker.pid = 0;
    worker.number = nextNumber_++;
    spawner_->start(worker.number, std::move(sockets.second), worker.arena.file());
    worker.state = State::Running;
  } catch (const SystemError& error) {
    reportVacancy(error.getErrno());
    return;
  }
  if (events != nullptr && setup_.id != 0 && beginOn(worker)) {
    events->workerReady(index, 1);
  }
}

void ForkBackend::reportVacancy(int errorNumber) {
  lastErrno_ = errorNumber;
  log(LogLevel::Warn, std::string("a worker could not be started (") + std::strerror(errorNumber) +
                          "); going on with those there are");
}

bool ForkBackend::beginOn(Worker& worker) {
  FrameHeader header;
  header.kind = FrameKind::Begin;
  header.operation = setup_.id;
  payload_.restart({});
  payload_.write(setup_.bytes.data(), setup_.bytes.size());
  header.place = payload_.place();
  header.length = payload_.size();
  return worker.sender.add(worker.channel.get(), header, payload_.inlineBytes(), payload_.takeFile());
}

void ForkBackend::begin(const OperationSetup& setup, BackendEvents& events) {
  setup_ = setup;
  for (std::size_t index = 0; index < workers_.size(); ++index) {
    Worker& worker = *workers_[index];
    if (worker.state == State::Vacant) {
      start(static_cast<int>(index), &events);
    } else if (beginOn(worker)) {
      events.workerReady(static_cast<int>(index), 1);
    }
  }
}

void ForkBackend::send(int index, const Chunk& chunk, const Encoder& encode) {
  Worker& worker = *workers_[static_cast<std::size_t>(index)];
  const std::optional<std::size_t> slot = slotOf(worker, 0);
  if (!slot) {
    throw std::logic_error("a worker was handed more chunks than it has slots");
  }
  payload_.restart(worker.arena.items(*slot));
  encode(payload_, chunk.first, chunk.count);
  FrameHeader header;
  header.kind = FrameKind::Run;
  header.place = payload_.place();
  header.slot = static_cast<std::uint32_t>(*slot);
  header.operation = setup_.id;
  header.chunk = chunk.id;
  header.first = chunk.first;
  header.count = chunk.count;
  header.length = payload_.size();
  worker.chunks[*slot] = chunk.id;
  worker.largestPayload = std::max(worker.largestPayload, payload_.size());
  worker.arena.offer(*slot, chunk.id);
  // A worker that is gone is noticed by its end, with all that it had.
  static_cast<void>(
      worker.sender.add(worker.channel.get(), header, payload_.inlineBytes(), payload_.takeFile()));
}

void ForkBackend::recall(int index, std::uint64_t chunk, BackendEvents& events) {
  Worker& worker = *workers_[static_cast<std::size_t>(index)];
  const std::optional<std::size_t> slot = slotOf(worker, chunk);
  const bool recalled = slot && worker.arena.takeBack(*slot, chunk);
  if (recalled) {
    worker.chunks[*slot] = 0;
  }
  events.recallAnswered(index, chunk, recalled);
}

void ForkBackend::stop() {
  for (const auto& worker : workers_) {
    worker->arena.board().stopOperation.store(setup_.id, std::memory_order_relaxed);
  }
}

void ForkBackend::signal(int index, int signal) {
  const Worker& worker = *workers_[static_cast<std::size_t>(index)];
  if (worker.state == State::Running) {
    spawner_->signal(worker.number, signal);
  }
}

std::optional<std::uint64_t> ForkBackend::currentItem(int index) const {
  const WorkerBoard& board = workers_[static_cast<std::size_t>(index)]->arena.board();
  const std::uint64_t item = board.item.load(std::memory_order_relaxed);
  return item == WorkerBoard::kNoItem ? std::nullopt : std::optional(item);
}

void ForkBackend::flushAll() {
  for (const auto& worker : workers_) {
    if (worker->state == State::Running && !worker->sender.isEmpty()) {
      static_cast<void>(worker->sender.flush(worker->channel.get()));
    }
  }
}

void ForkBackend::waitForReadiness(std::optional<Time> until, int wakeUp) {
  polled_.clear();
  polled_.push_back({spawner_->descriptor(), POLLIN, 0});
  polled_.push_back({wakeUp, POLLIN, 0});  // poll(2) passes over a negative descriptor
  for (const auto& worker : workers_) {
    const bool open = worker->state == State::Running && !worker->channelClosed;
    polled_.push_back({open ? worker->channel.get() : -1, POLLIN, 0});
  }
  timespec timeout{};
  if (until) {
    const Time left = std::max(Time(0), *until - steadyNow());
    timeout.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000);
    timeout.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
  }
  const int ready = ppoll(polled_.data(), polled_.size(), until ? &timeout : nullptr, nullptr);
  if (ready <= 0) {
    for (pollfd& polled : polled_) {
      polled.revents = 0;
    }
    if (ready < 0 && errno != EINTR) {
      throw SystemError("cannot wait for workers", errno);
    }
  }
}

void ForkBackend::wait(std::optional<Time> until, int wakeUp, BackendEvents& events) {
  flushAll();
  requireWorkers();
  waitForReadiness(until, wakeUp);
  // Answers before deaths: what a worker had sent before it died counts.
  for (std::size_t index = 0; index < workers_.size(); ++index) {
    if (polled_[index + 2].revents != 0) {
      // One message only: a second call would mostly find nothing, and poll tells when there is more.
      receiveFrom(static_cast<int>(index), Receive::OneMessage, events);
    }
  }
  if (polled_[0].revents != 0) {
    takeReports(events);
  }
}

void ForkBackend::receiveFrom(int index, Receive amount, BackendEvents& events) {
  Worker& worker = *workers_[static_cast<std::size_t>(index)];
  try {
    while (!worker.channelClosed) {
      const FrameReceiver::Outcome outcome = receiver_.receive(worker.channel.get(), false);
      if (outcome == FrameReceiver::Outcome::Nothing) {
        return;
      }
      worker.channelClosed = outcome == FrameReceiver::Outcome::Closed;
      for (const Frame& frame : receiver_.frames()) {
        dispatch(index, frame, events);
      }
      if (amount == Receive::OneMessage) {
        return;
      }
    }
  } catch (const PayloadError& error) {
    // Something wrote over the worker's memory or its channel. It cannot be trusted any more.
    log(LogLevel::Warn, "worker " + std::to_string(worker.pid) + " is ended: " + error.what());
    worker.channelClosed = true;
    spawner_->signal(worker.number, SIGKILL);
  }
}

void ForkBackend::dispatch(int index, const Frame& frame, BackendEvents& events) {
  Worker& worker = *workers_[static_cast<std::size_t>(index)];
  const FrameHeader& header = frame.header;
  const std::optional<std::size_t> slot = slotOf(worker, header.chunk);
  if (header.operation != setup_.id || header.chunk == 0 || !slot) {
    return;  // of an operation that was given up
  }
  const ReceivedPayload payload(frame, worker.arena.results(*slot));
  worker.largestPayload = std::max(worker.largestPayload, payload.view().size());
  if (header.kind == FrameKind::Done) {
    events.chunkDone(index, header.chunk, Time(static_cast<Time::rep>(header.nanoseconds)), payload.view());
  } else if (header.kind == FrameKind::Threw) {
    PayloadReader reader(payload.view());
    std::optional<std::uint64_t> item;
    if (header.first != WorkerBoard::kNoItem) {
      item = header.first;
    }
    events.chunkThrew(index, header.chunk, item, decodeChain(reader), originOf(worker, item));
  } else {
    events.chunkAborted(index, header.chunk);
  }
  worker.chunks[*slot] = 0;
}

void ForkBackend::takeReports(BackendEvents& events) {
  for (const Spawner::Report& report : spawner_->takeReports()) {
    const auto found = std::find_if(workers_.begin(), workers_.end(), [&](const auto& worker) {
      return worker->state == State::Running && worker->number == report.worker;
    });
    if (found == workers_.end()) {
      continue;
    }
    const auto index = static_cast<int>(found - workers_.begin());
    if (report.type == Spawner::Report::Type::Started) {
      (*found)->pid = report.pid;
    } else if (report.type == Spawner::Report::Type::Failed) {
      reportVacancy(report.errorNumber);
      (*found)->state = State::Vacant;
      events.workerLost(index, std::nullopt, ProcessStatus(), originOf(**found, std::nullopt));
    } else {
      handleEnd(index, report.status, events);
    }
  }
}

void ForkBackend::handleEnd(int index, ProcessStatus status, BackendEvents& events) {
  Worker& worker = *workers_[static_cast<std::size_t>(index)];
  receiveFrom(index, Receive::EverythingThere, events);
  std::optional<std::uint64_t> begun;
  for (std::size_t slot = 0; slot < WorkerArena::kSlots; ++slot) {
    if (worker.chunks[slot] != 0 && worker.arena.hasBegun(slot, worker.chunks[slot])) {
      begun = worker.chunks[slot];
    }
  }
  std::optional<std::uint64_t> item;
  if (begun && worker.arena.board().item != WorkerBoard::kNoItem) {
    item = worker.arena.board().item.load();
  }
  const Origin origin = originOf(worker, item);
  worker.state = State::Vacant;
  worker.channel.reset();
  worker.chunks.fill(0);
  events.workerLost(index, begun, status, origin);
  start(index, &events);
}

void ForkBackend::requireWorkers() const {
  const bool any = std::any_of(workers_.begin(), workers_.end(),
                               [](const auto& worker) { return worker->state == State::Running; });
  if (!any) {
    throw SystemError(
        "no worker process can be started: the limit on processes or on open files is reached (see `ulimit -u`, "
        "`ulimit -n` and pids.max of the control group; or use fewer workers)",
        lastErrno_);
  }
}

void ForkBackend::end() {
  FrameHeader header;
  header.kind = FrameKind::End;
  header.operation = setup_.id;
  for (const auto& worker : workers_) {
    if (worker->state == State::Running) {
      static_cast<void>(worker->sender.add(worker->channel.get(), header));
      if (setup_.holdsResources) {
        static_cast<void>(worker->sender.flush(worker->channel.get()));
      }  // else it travels with the next operation: waking every worker costs as much as a small one
      worker->arena.trim(std::exchange(worker->largestPayload, 0));
    }
  }
  setup_ = {};
}

void ForkBackend::shutdown(Time grace) {
  for (const auto& worker : workers_) {
    worker->channel.reset();
    worker->channelClosed = true;
  }
  const Time until = steadyNow() + grace;
  bool killed = false;
  while (std::any_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return worker->state == State::Running; })) {
    if (!killed && steadyNow() >= until) {
      for (const auto& worker : workers_) {
        signal(static_cast<int>(&worker - workers_.data()), SIGKILL);
      }
      killed = true;
    }
    waitForReadiness(killed ? std::nullopt : std::optional(until), -1);
    for (const Spawner::Report& report : spawner_->takeReports()) {
      for (const auto& worker : workers_) {
        if (report.type != Spawner::Report::Type::Started && worker->number == report.worker) {
          worker->state = State::Vacant;
        }
      }
    }
  }
}

std::optional<std::size_t> ForkBackend::slotOf(const Worker& worker, std::uint64_t chunk) const {
  const auto found = std::find(worker.chunks.begin(), worker.chunks.end(), chunk);
  if (found == worker.chunks.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - worker.chunks.begin());
}

Origin ForkBackend::originOf(const Worker& worker, std::optional<std::uint64_t> item) const {
  return {.item = item, .host = hostName(), .rank = std::nullopt, .pid = worker.pid};
}

}  // namespace procession::detail
