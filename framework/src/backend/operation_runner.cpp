#include "backend/operation_runner.hpp"

#include <ctime>

#include "procession/detail/wire/codec.hpp"
#include "procession/detail/wire/exception_chain.hpp"
#include "procession/detail/wire/throw_trace.hpp"
#include "procession/error.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

std::uint64_t steadyNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

void writeFactory(PayloadWriter& setup, KernelFactory* factory) {
  encode(setup, locateFunction(factory));
}

void OperationRunner::begin(std::uint64_t operation, ByteView setup) {
  end();
  operation_ = operation;
  try {
    PayloadReader reader(setup);
    auto* factory = resolveFunction<KernelFactory>(decode<CodeAddress>(reader));
    kernel_ = factory(reader);
  } catch (...) {
    setupFailure_ = describeException(std::current_exception());
  }
}

ChunkReport OperationRunner::run(std::uint64_t first, std::uint64_t count, ByteView items,
                                 PayloadWriter& results) {
  ChunkReport report;
  if (kernel_ == nullptr && setupFailure_.empty()) {
    throw PayloadError("malformed message from the parent: a chunk of no operation");
  }
  if (kernel_ == nullptr) {
    report.state = ChunkReport::State::Threw;
    report.chain = setupFailure_;
    return report;
  }
  const std::uint64_t start = steadyNanoseconds();
  board_.limit = WorkerBoard::kNoItem;
  board_.since.store(0, std::memory_order_relaxed);
  if (board_.stopOperation == operation_) {  // written before a limit that was overwritten just now
    report.state = ChunkReport::State::Aborted;
    return report;
  }
  try {
    const ItemProgress progress(board_, operation_);
    notingThrows([&] { report.items = kernel_->run(first, count, items, results, progress); });
    // None: a limit was meant for the chunk before.
    if (report.items < count && (report.items == 0 || board_.stopOperation == operation_)) {
      report.state = ChunkReport::State::Aborted;
    }
  } catch (...) {
    const std::uint64_t end = steadyNanoseconds();
    report.state = ChunkReport::State::Threw;
    report.item = board_.item.load(std::memory_order_relaxed);
    if (report.item == WorkerBoard::kNoItem || kernel_->hasOneResult()) {
      results.truncate(0);
    } else {
      report.items = report.item - first;
    }
    const std::uint64_t since = board_.since.load(std::memory_order_relaxed);
    report.itemNanoseconds = since == 0 ? 0 : end - since;
    report.chain = describeException(std::current_exception());
    report.chain.front().backtrace = takeThrowTrace();
  }
  board_.item.store(WorkerBoard::kNoItem, std::memory_order_relaxed);
  report.nanoseconds = steadyNanoseconds() - start;
  return report;
}

void OperationRunner::end() {
  if (kernel_ != nullptr) {
    try {
      kernel_->end();
    } catch (...) {
      // All items are done, and no item is to blame.
      const ExceptionInfo thrown = describeException(std::current_exception()).front();
      log(LogLevel::Warn,
          "the end of an operation threw in a worker: " + thrown.type + ": " + thrown.message);
    }
  }
  kernel_.reset();
  setupFailure_.clear();
  operation_ = 0;
}

}  // namespace procession::detail
