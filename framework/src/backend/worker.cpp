#include "backend/worker.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>

#include "backend/arena.hpp"
#include "backend/frame.hpp"
#include "backend/operation_runner.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "system/child_exit.hpp"
#include "system/fork.hpp"

namespace procession::detail {

namespace {

// Answers to short chunks travel together; one that took this long is sent at once.
constexpr std::uint64_t kAnswerWithin = 50'000;  // ns

class Worker {
 public:
  Worker(FileDescriptor channel, FileDescriptor arena)
      : channel_(std::move(channel)), arena_(std::move(arena)), runner_(arena_.board()) {}

  /// Returns when the parent has closed the channel.
  void serve() {
    while (receiver_.receive(channel_.get(), true) == FrameReceiver::Outcome::Message) {
      for (const Frame& frame : receiver_.frames()) {
        handle(frame);
      }
      if (!sender_.flush(channel_.get())) {
        return;
      }
    }
  }

 private:
  void handle(const Frame& frame) {
    const FrameHeader& header = frame.header;
    if (header.kind == FrameKind::Begin) {
      runner_.begin(header.operation, ReceivedPayload(frame, {}).view());
    } else if (header.kind == FrameKind::Run) {
      run(frame);
    } else if (header.kind == FrameKind::End) {
      runner_.end();
    } else {
      throw PayloadError("malformed message from the parent: a worker was sent an answer");
    }
  }

  void run(const Frame& frame) {
    const FrameHeader& header = frame.header;
    if (header.slot >= WorkerArena::kSlots) {
      throw PayloadError("malformed message from the parent: no slot " +
                         std::to_string(header.slot));
    }
    if (!arena_.begin(header.slot, header.ticket)) {
      return;  // taken back
    }
    const ReceivedPayload items(frame, arena_.items(header.slot));
    results_.restart(arena_.results(header.slot));
    const ChunkReport report = runner_.run(header.first, header.count, items.view(), results_);
    // Before the answer: whoever has it finds the output of the callbacks in place.
    flushStandardOutput();
    arena_.finish(header.slot, header.ticket);
    answer(header, report);
  }

  void answer(const FrameHeader& request, const ChunkReport& report) {
    FrameHeader header = request;
    header.nanoseconds = report.nanoseconds;
    if (report.state == ChunkReport::State::Threw) {
      header.kind = FrameKind::Threw;
      header.first = report.item;
      results_.restart(arena_.results(request.slot));
      encodeChain(results_, report.chain);
    } else if (report.state == ChunkReport::State::Aborted) {
      header.kind = FrameKind::Aborted;
      results_.restart({});
    } else {
      header.kind = FrameKind::Done;
    }
    header.place = results_.place();
    header.length = results_.size();
    sender_.add(channel_.get(), header, results_.inlineBytes(), results_.takeFile());
    if (header.place == PayloadPlace::File) {
      results_.restart({});  // its memory is the parent's now
    }
    if (report.nanoseconds > kAnswerWithin) {
      sender_.flush(channel_.get());
    }
  }

  FileDescriptor channel_;
  WorkerArena arena_;
  OperationRunner runner_;
  FrameReceiver receiver_;
  FrameSender sender_;
  ArenaPayload results_;
};

}  // namespace

void ignoreGroupSignals() {
  for (const int signal : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    std::signal(signal, SIG_IGN);
  }
}

void runWorker(FileDescriptor channel, FileDescriptor arena) noexcept {
  markInsideWorker();
  endAtExit();
  try {
    // On the heap: its buffers would take a good part of the stack that callbacks want.
    auto worker = std::make_unique<Worker>(std::move(channel), std::move(arena));
    worker->serve();
    flushStandardOutput();
    _exit(0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "procession: a worker ends: %s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "procession: a worker ends for an unknown reason\n");
  }
  flushStandardOutput();
  _exit(1);
}

}  // namespace procession::detail
