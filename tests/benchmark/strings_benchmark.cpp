#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "benchmark_suite.hpp"
#include "contender.hpp"
#include "pipe_workers.hpp"
#include "procession/process_pool.hpp"
#include "string_input.hpp"

// Reversing strings: values that are no plain bytes, each with memory of its own.

namespace procession::benchmarks {

namespace {

constexpr std::size_t kChunkStrings = 2'000;  // some 200 KiB

/// Strings one after the other, each behind its length.
class Packer {
 public:
  void clear() { bytes_.clear(); }
  void add(std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    const auto* length = reinterpret_cast<const std::byte*>(&size);
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), length, length + sizeof size);
    bytes_.insert(bytes_.end(), begin, begin + text.size());
  }
  [[nodiscard]] Bytes view() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Calls `take` with each of the packed strings.
template <class Take>
void unpack(Bytes bytes, const Take& take) {
  while (!bytes.empty()) {
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data(), sizeof size);
    take(std::string_view(reinterpret_cast<const char*>(bytes.data()) + sizeof size, size));
    bytes = bytes.subspan(sizeof size + size);
  }
}

Bytes reverseRequest(std::span<std::byte> request) {
  static Packer packer;
  packer.clear();
  unpack(request,
         [](std::string_view text) { packer.add(std::string(text.rbegin(), text.rend())); });
  return packer.view();
}

/// Packs a chunk when a worker can take it, and makes strings of a reply while the workers go on.
class StringJob final : public PipeJob {
 public:
  StringJob(const std::vector<std::string>& strings, std::size_t workers)
      : strings_(strings), results_(strings.size()), requests_(workers), replies_(workers) {}

  [[nodiscard]] std::size_t chunkCount() const {
    return (strings_.size() + kChunkStrings - 1) / kChunkStrings;
  }
  std::vector<std::string> takeResults() { return std::move(results_); }

  Bytes request(std::size_t index, std::size_t worker) override {
    Packer& packer = requests_[worker];
    packer.clear();
    const std::size_t end = std::min(strings_.size(), (index + 1) * kChunkStrings);
    for (std::size_t i = index * kChunkStrings; i < end; ++i) {
      packer.add(strings_[i]);
    }
    return packer.view();
  }
  std::byte* prepareReply(std::size_t /*index*/, std::size_t worker, std::size_t size) override {
    replies_[worker].resize(size);
    return replies_[worker].data();
  }
  void finishReply(std::size_t index, std::size_t worker) override {
    std::size_t i = index * kChunkStrings;
    unpack(replies_[worker], [&](std::string_view text) { results_[i++] = text; });
  }

 private:
  const std::vector<std::string>& strings_;
  std::vector<std::string> results_;
  std::vector<Packer> requests_;
  std::vector<std::vector<std::byte>> replies_;
};

std::vector<std::string> reverseOverPipes(PipeWorkers& workers,
                                          const std::vector<std::string>& strings) {
  StringJob job(strings, workers.size());
  workers.run(job.chunkCount(), job);
  return job.takeResults();
}

}  // namespace

void registerStrings(const Settings& settings) {
  const int workers = settings.workers;
  const std::size_t count = settings.tiny ? 5'000 : 200'000;
  const auto input = lazily([count] { return makeStringInput(count); });
  const auto pool = lazily([workers] { return ProcessPool(workers); });
  const auto pipes = lazily([workers] { return PipeWorkers(workers, reverseRequest); });
  const auto matches = [input](const std::vector<std::string>& reversed) {
    return reversed == input->reversed;
  };
  const std::string row = "strings/" + std::to_string(count);
  addContender(
      row + "/procession",
      [=] {
        return pool->map(input->strings, [](const std::string& text) {
          return std::string(text.rbegin(), text.rend());
        });
      },
      matches);
  addContender(
      row + "/pipes", [=] { return reverseOverPipes(*pipes, input->strings); }, matches);
}

}  // namespace procession::benchmarks
