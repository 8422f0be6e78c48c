#include "backend/operation_runner.hpp"

#include <ctime>

#include "procession/detail/wire/codec.hpp"
#include "procession/detail/wire/exception_chain.hpp"

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
  if (kernel_ == nullptr) {
    return {ChunkReport::State::Threw, 0, WorkerBoard::kNoItem, setupFailure_};
  }
  ChunkReport report;
  const std::uint64_t start = steadyNanoseconds();
  ItemProgress progress(board_, operation_);
  try {
    if (!kernel_->run(first, count, items, results, progress)) {
      report.state = ChunkReport::State::Aborted;
    }
  } catch (...) {
    report.state = ChunkReport::State::Threw;
    report.item = board_.item.load(std::memory_order_relaxed);
    report.chain = describeException(std::current_exception());
  }
  board_.item.store(WorkerBoard::kNoItem, std::memory_order_relaxed);
  report.nanoseconds = steadyNanoseconds() - start;
  return report;
}

void OperationRunner::end() {
  kernel_.reset();
  setupFailure_.clear();
  operation_ = 0;
}

}  // namespace procession::detail
