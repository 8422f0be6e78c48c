#include <cstddef>
#include <ranges>
#include <span>
#include <string>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "pipe_workers.hpp"
#include "procession/process_pool.hpp"
#include "vector_job.hpp"

// Few items whose results are large: 4 MiB each.

namespace procession::benchmarks {

namespace {

using Block = std::vector<double>;
constexpr std::size_t kBlockSize = (std::size_t{4} << 20) / sizeof(double);

double valueAt(int seed, std::size_t i) {
  return static_cast<double>(seed) + static_cast<double>(i) * 0.5;
}

Block makeBlock(int seed) {
  Block block(kBlockSize);
  for (std::size_t i = 0; i < block.size(); ++i) {
    block[i] = valueAt(seed, i);
  }
  return block;
}

bool isBlock(const Block& block, int seed) {
  bool right = block.size() == kBlockSize;
  for (std::size_t i = 0; right && i < block.size(); ++i) {
    right = block[i] == valueAt(seed, i);
  }
  return right;
}

Bytes makeRequestedBlock(std::span<std::byte> request) {
  static Block block;
  block = makeBlock(valuesOf<int>(request).front());
  return std::as_bytes(std::span(block));
}

/// Reads each reply straight into the block that is returned.
class BlockJob final : public PipeJob {
 public:
  explicit BlockJob(int count) : seeds_(static_cast<std::size_t>(count)), blocks_(seeds_.size()) {
    std::ranges::copy(std::views::iota(0, count), seeds_.begin());
  }
  std::vector<Block> takeBlocks() { return std::move(blocks_); }

  Bytes request(std::size_t index, std::size_t /*worker*/) override {
    return std::as_bytes(std::span(&seeds_[index], 1));
  }
  std::byte* prepareReply(std::size_t index, std::size_t /*worker*/, std::size_t size) override {
    blocks_[index].resize(size / sizeof(double));
    return std::as_writable_bytes(std::span(blocks_[index])).data();
  }

 private:
  std::vector<int> seeds_;
  std::vector<Block> blocks_;
};

std::vector<Block> makeBlocksOverPipes(PipeWorkers& workers, int count) {
  BlockJob job(count);
  workers.run(static_cast<std::size_t>(count), job);
  return job.takeBlocks();
}

}  // namespace

void registerLargeResults(const Settings& settings) {
  const int workers = settings.workers;
  const int count = settings.tiny ? 4 : 64;
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  const auto pipes = lazily([workers] { return PipeWorkers(workers, makeRequestedBlock); });
  const auto matches = [count](const std::vector<Block>& blocks) {
    bool right = blocks.size() == static_cast<std::size_t>(count);
    for (std::size_t i = 0; right && i < blocks.size(); ++i) {
      right = isBlock(blocks[i], static_cast<int>(i));
    }
    return right;
  };
  const std::string row = "large_results/" + std::to_string(count);
  addContender(
      row + "/procession",
      [=] {
        return pool->map(std::views::iota(0, count), [](int seed) { return makeBlock(seed); });
      },
      matches);
  addContender(
      row + "/pipes", [=] { return makeBlocksOverPipes(*pipes, count); }, matches);
}

}  // namespace procession::benchmarks
