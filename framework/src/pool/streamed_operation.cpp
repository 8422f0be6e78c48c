#include "pool/streamed_operation.hpp"

#include <unistd.h>

#include <utility>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

constexpr Time kShutdownGrace = std::chrono::seconds(2);

}  // namespace

StreamedOperation::StreamedOperation(std::optional<Pool> pool, Backend* shared,
                                     std::unique_ptr<Backend> own, Operation& operation,
                                     const PoolOptions& options)
    : pool_(pool), owner_(getpid()), own_(std::move(own)) {
  if (pool_) {
    busy_.emplace(pool_->busy);
  }
  const std::uint64_t items = operation.shape().items;
  if (items > 0) {
    loop_ = std::make_unique<OperationLoop>(own_ != nullptr ? *own_ : *shared, operation, options);
    loop_->begin();
    loop_->addItems(items);
    loop_->closeItems();
    loop_->pause();
  }
  if (pool_) {
    pool_->running = this;
  }
}

StreamedOperation::~StreamedOperation() {
  if (getpid() != owner_) {
    // The workers are another process's; their objects here are left alone.
    static_cast<void>(loop_.release());
    static_cast<void>(own_.release());
    return;
  }
  stop();
}

bool StreamedOperation::step() {
  if (isCutOff_) {
    throw Interrupted("the pool ended before all results were taken");
  }
  if (loop_ == nullptr) {
    return false;
  }
  try {
    if (!loop_->isFinished()) {
      loop_->step();
      loop_->pause();
      return true;
    }
    loop_->end();
  } catch (...) {
    close();
    throw;
  }
  close();
  return false;
}

void StreamedOperation::detach() {
  isCutOff_ = loop_ != nullptr;
  stop();
}

void StreamedOperation::stop() {
  if (loop_ != nullptr) {
    try {
      loop_->abandon();
    } catch (const std::exception&) {
      // No worker is left, or the fork server is gone: then nothing is under way either.
    }
  }
  close();
}

/// The pool is free again.
void StreamedOperation::close() {
  if (loop_ != nullptr) {
    if (pool_) {
      pool_->processedCount += loop_->doneItems();
    }
    loop_.reset();
  }
  if (own_ != nullptr) {
    std::exchange(own_, nullptr)->shutdown(kShutdownGrace);
  }
  if (pool_) {
    pool_->running = nullptr;
    pool_.reset();
  }
  busy_.reset();
}

}  // namespace procession::detail
