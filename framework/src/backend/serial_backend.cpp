#include "backend/serial_backend.hpp"

#include <unistd.h>

#include <algorithm>

#include "system/host_name.hpp"

namespace procession::detail {

SerialBackend::SerialBackend() : board_(std::make_unique<WorkerBoard>()), runner_(*board_) {}

void SerialBackend::begin(const OperationSetup& setup, BackendEvents& events) {
  board_->stopOperation = 0;
  queue_.clear();
  runner_.begin(setup.id, setup.bytes);
  events.workerReady(0, 1);
}

void SerialBackend::send(int, const Chunk& chunk, const Encoder& encode) {
  auto items = std::make_unique<HeapPayload>();
  encode(*items, chunk.first, chunk.count);
  queue_.push_back({chunk, std::move(items)});
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
  ChunkReport report =
      runner_.run(queued.chunk.first, queued.chunk.count, queued.items->view(), results);
  if (report.state == ChunkReport::State::Done) {
    events.chunkDone(0, queued.chunk.id, Time(static_cast<Time::rep>(report.nanoseconds)),
                     results.view());
  } else if (report.state == ChunkReport::State::Aborted) {
    events.chunkAborted(0, queued.chunk.id);
  } else {
    std::optional<std::uint64_t> item;
    if (report.item != WorkerBoard::kNoItem) {
      item = report.item;
    }
    events.chunkThrew(0, queued.chunk.id, item, std::move(report.chain),
                      {.item = item, .host = hostName(), .rank = std::nullopt, .pid = getpid()});
  }
}

void SerialBackend::end() {
  queue_.clear();
  runner_.end();
}

}  // namespace procession::detail
