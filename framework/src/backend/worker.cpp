#include "backend/worker.hpp"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>

#include "backend/arena.hpp"
#include "backend/frame.hpp"
#include "backend/operation_runner.hpp"
#include "backend/shared_values.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "system/barrier.hpp"
#include "system/child_exit.hpp"
#include "system/descriptor_message.hpp"
#include "system/fork.hpp"

namespace procession::detail {

namespace {

// Answers to short chunks travel together; one that took this long is sent at once, and so is a
// failure: attempts count, also when the process does not outlive the next chunk.
constexpr std::uint64_t kAnswerWithin = 50'000;  // ns

class Worker {
 public:
  Worker(FileDescriptor channel, FileDescriptor arena)
      : pid_(knownPid()),
        channel_(std::move(channel)),
        arena_(std::move(arena)),
        runner_(arena_.board()) {
    arena_.introduce(pid_);
    static WorkerArena* arenaOfThisProcess = nullptr;
    arenaOfThisProcess = &arena_;
    pthread_atfork(nullptr, nullptr, [] { arenaOfThisProcess->abandonInChild(); });
  }

  /// Returns when the parent has closed the channel.
  void serve() {
    while (receiver_.receive(channel_.get(), true) == FrameReceiver::Outcome::Message) {
      for (Frame& frame : receiver_.frames()) {
        handle(frame);
      }
      if (!sender_.flush(channel_.get())) {
        return;
      }
    }
  }

 private:
  void handle(Frame& frame) {
    const FrameHeader& header = frame.header;
    if (header.kind == FrameKind::Begin) {
      answersAtOnce_ = header.count != 0;
      runner_.begin(header.operation, ReceivedPayload(frame, {}).view());
    } else if (header.kind == FrameKind::Run) {
      run(frame);
    } else if (header.kind == FrameKind::End) {
      runner_.end();
      if (header.count != 0) {
        flushStandardOutput();
        FrameHeader ended = header;
        ended.kind = FrameKind::Ended;
        sender_.add(channel_.get(), ended);
      }
    } else if (header.kind == FrameKind::Share) {
      acceptValue(header.first, std::move(frame.file), header.length);
    } else if (header.kind == FrameKind::Forget) {
      sharedValues().release(header.first);
    } else {
      throw PayloadError("malformed message from the parent: a worker was sent an answer");
    }
  }

  static void acceptValue(std::uint64_t id, FileDescriptor file, std::size_t size) {
    try {
      SealedMemory memory(std::move(file), size);
      memory.closeDescriptor();
      sharedValues().accept(id, std::move(memory));
    } catch (const SystemError& error) {
      sharedValues().acceptFailure(id, error.getErrno());  // told to the callbacks that need it
    }
  }

  void run(const Frame& frame) {
    const FrameHeader& header = frame.header;
    if (header.slot >= WorkerArena::kSlots) {
      throw PayloadError("malformed message from the parent: no slot " +
                         std::to_string(header.slot));
    }
    if (!arena_.begin(header.slot, header.ticket)) {
      // Taken back, and of no interest to the parent. But if a callback wrote over the claims, it
      // waits for this chunk.
      ChunkReport refused;
      refused.state = ChunkReport::State::Aborted;
      results_.restart({});
      answer(header, refused);
      return;
    }
    const ReceivedPayload items(frame, arena_.items(header.slot));
    results_.restart(arena_.results(header.slot));
    const ChunkReport report = runner_.run(header.first, header.count, items.view(), results_);
    requireOwnProcess();
    arena_.noteEnd(header.slot);
    // Before the answer: whoever has it finds the output of the callbacks in place.
    flushStandardOutput();
    answer(header, report);
    // Not before the answer can leave: who dies of it is on this chunk still.
    arena_.finish(header.slot, header.ticket);
  }

  /// A callback forked, and this is its child, which came back from it: chunk and channel are its
  /// parent's, who is there as well.
  void requireOwnProcess() const {
    if (knownPid() != pid_) {
      std::fprintf(
          stderr,
          "procession: process %d, which a callback forked, returned from the callback; it "
          "ends (let it call _exit)\n",
          static_cast<int>(knownPid()));
      _exit(1);
    }
  }

  void answer(const FrameHeader& request, const ChunkReport& report) {
    FrameHeader header = request;
    header.nanoseconds = report.nanoseconds;
    header.count = report.items;
    if (report.state == ChunkReport::State::Threw) {
      header.kind = FrameKind::Threw;
      header.first = report.item;
      const ThrewTail tail{results_.size(), report.itemNanoseconds};
      encodeChain(results_, report.chain);
      results_.write(&tail, sizeof tail);
    } else {
      const bool isAborted = report.state == ChunkReport::State::Aborted;
      header.kind = isAborted ? FrameKind::Aborted : FrameKind::Done;
    }
    header.place = results_.place();
    header.length = results_.size();
    sender_.add(channel_.get(), header, results_.inlineBytes(), results_.takeFile());
    if (header.place == PayloadPlace::File) {
      results_.restart({});  // its memory is the parent's now
    }
    if (answersAtOnce_ || header.kind == FrameKind::Threw || report.nanoseconds > kAnswerWithin) {
      sender_.flush(channel_.get());
    } else {
      requireSocket(channel_.get());  // while it is known who closed it
    }
  }

  const pid_t pid_;
  FileDescriptor channel_;
  WorkerArena arena_;
  OperationRunner runner_;
  FrameReceiver receiver_;
  FrameSender sender_;
  ArenaPayload results_;
  bool answersAtOnce_ = false;
};

}  // namespace

void ignoreGroupSignals() {
  for (const int signal : kGroupSignals) {
    std::signal(signal, SIG_IGN);
  }
}

void runWorker(FileDescriptor channel, FileDescriptor arena) noexcept {
  markInsideWorker();
  endAtExit();
  admitBarriers();
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
