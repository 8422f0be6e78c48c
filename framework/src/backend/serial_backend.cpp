#include "backend/serial_backend.hpp"

#include <unistd.h>

#include <algorithm>

#include "system/host_name.hpp"

namespace procession::detail {

SerialBackend::SerialBackend() : board_(std::make_unique<WorkerBoard>()), runner_(*board_) {}

void SerialBackend::begin(const OperationSetup& setup, BackendEvents& events) {
  board_->stopOperation = 0;
  queue_.clear();
  mayCut_ = !setup.plan.shape.wholeNodes;
  atOnce_ = 1;
  runner_.begin(setup.id, setup.bytes);
  events.workerReady(0, 1);
}

void SerialBackend::send(int, const Chunk& chunk, const Encoder& encode) {
  auto items = std::make_unique<HeapPayload>();
  const std::uint64_t count = mayCut_ ? std::min(chunk.count, atOnce_) : chunk.count;
  encode(*items, chunk.first, count);
  queue_.push_back({chunk, count, std::move(items)});
}

void SerialBackend::recall(int worker, std::uint64_t chunk, BackendEvents& events) {
  const auto erased =
      std::erase_if(queue_, [&](const Queued& queued) { return queued.chunk.id == chunk; });
  events.recallAnswered(worker, chunk, erased != 0);
}

void SerialBackend::stop() { board_->stopOperation = runner_.operation(); }

void SerialBackend::wait(std::optional<Time>, int, BackendEvents& events) {
  if (queue_.empty()) {
    return;
  }
  const Queued queued = std::move(queue_.front());
  queue_.pop_front();
  HeapPayload results;
  const Chunk& chunk = queued.chunk;
  span_ = {.process = gettid(), .begin = steadyNow()};
  ChunkReport report = runner_.run(chunk.first, queued.count, queued.items->view(), results);
  span_.end = steadyNow();
  learn(span_.end - span_.begin);
  const Time busy(static_cast<Time::rep>(report.nanoseconds));
  if (report.state == ChunkReport::State::Done) {
    if (const std::uint64_t left = chunk.count - queued.count; left > 0) {
      events.shortened(0, chunk.id, left);
    }
    events.chunkDone(0, chunk.id, busy, results.view());
    return;
  }
  if (report.items > 0) {
    events.partDone(0, chunk.first, report.items, busy, results.view());
  }
  if (report.state == ChunkReport::State::Aborted) {
    events.chunkAborted(0, chunk.id, report.items);
  } else {
    std::optional<std::uint64_t> item;
    if (report.item != WorkerBoard::kNoItem) {
      item = report.item;
    }
    events.chunkThrew(0, chunk.id, report.items,
                      Time(static_cast<Time::rep>(report.itemNanoseconds)), std::move(report.chain),
                      {.item = item, .host = hostName(), .rank = std::nullopt, .pid = getpid()});
  }
}

void SerialBackend::learn(Time took) {
  constexpr Time kShort = std::chrono::milliseconds(5);
  constexpr Time kLong = std::chrono::milliseconds(20);
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
  if (took < kShort) {
    atOnce_ = std::min(2 * atOnce_, kMost);
  } else if (took > kLong) {
    atOnce_ = std::max<std::uint64_t>(1, atOnce_ / 2);
  }
}

void SerialBackend::end(int) {
  queue_.clear();
  runner_.end();
}

}  // namespace procession::detail
