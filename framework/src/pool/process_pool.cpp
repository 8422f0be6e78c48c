#include "procession/process_pool.hpp"

#include "pool/pool_core.hpp"

namespace procession {

ProcessPool::ProcessPool() : ProcessPool(PoolOptions{}) {}

ProcessPool::ProcessPool(int workerCount) : ProcessPool(PoolOptions{.workerCount = workerCount}) {}

ProcessPool::ProcessPool(const PoolOptions& options)
    : core_(std::make_unique<detail::PoolCore>(options)) {}

ProcessPool::ProcessPool(ProcessPool&&) noexcept = default;
ProcessPool& ProcessPool::operator=(ProcessPool&&) noexcept = default;
ProcessPool::~ProcessPool() = default;

int ProcessPool::getWorkerCount() const { return core_->workerCount(); }

std::uint64_t ProcessPool::getProcessedCount() const { return core_->processedCount(); }

void ProcessPool::shutdown() { core_->shutdown(); }

std::size_t ProcessPool::getGrain() const { return core_->options().grain; }

std::uint64_t ProcessPool::getSeed() const { return core_->options().seed; }

int ProcessPool::getRetries() const { return core_->options().retries; }

void ProcessPool::run(detail::Operation& operation) { core_->run(operation); }

std::shared_ptr<detail::Submission> ProcessPool::enqueue(detail::ByteView call) {
  auto submission = std::make_shared<detail::Submission>();
  submission->bytes.assign(call.begin(), call.end());
  core_->submit(submission);
  return submission;
}

std::unique_ptr<detail::RunningOperation> ProcessPool::start(detail::Operation& operation) {
  return core_->start(operation);
}

}  // namespace procession
