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

void ProcessPool::run(detail::Operation& operation) { core_->run(operation); }

}  // namespace procession
