#include "backend/shared_values.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>

#include "backend/value_sender.hpp"
#include "procession/error.hpp"
#include "system/fork.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

// An id is, from above: a mark, since no address has bits there; whether a worker made the value,
// and which, since its own must not meet its parent's, made after the fork; a number. In the ranks
// of a job, what was made before Application::run has the same id everywhere.
constexpr std::uint64_t kMark = std::uint64_t{0xD5} << 56;
constexpr std::uint64_t kOfWorker = std::uint64_t{1} << 55;
constexpr int kPidShift = 33;  // pids have at most 22 bits

std::uint64_t makeId(std::uint64_t number) {
  if (!isInsideWorker()) {
    return kMark | number;
  }
  return kMark | kOfWorker | static_cast<std::uint64_t>(getpid()) << kPidShift | number;
}

}  // namespace

std::uint64_t SharedValues::add(SealedMemory memory) {
  auto entry = std::make_shared<const SealedMemory>(std::move(memory));
  const ForkPause lock;
  const std::uint64_t id = makeId(++lastNumber_);
  values_[id] = {std::move(entry), 0};
  hasChanged();
  return id;
}

void SharedValues::accept(std::uint64_t id, SealedMemory memory) {
  auto entry = std::make_shared<const SealedMemory>(std::move(memory));
  const ForkPause lock;
  values_.try_emplace(id, Entry{std::move(entry), 0});
  hasChanged();
}

void SharedValues::acceptFailure(std::uint64_t id, int errorNumber) {
  const ForkPause lock;
  values_.try_emplace(id, Entry{nullptr, errorNumber});
  hasChanged();
}

void SharedValues::release(std::uint64_t id) {
  const ForkPause lock;
  values_.erase(id);
  hasChanged();
}

void SharedValues::releaseAll() {
  const ForkPause lock;
  values_.clear();
  hasChanged();
}

std::shared_ptr<const SealedMemory> SharedValues::find(std::uint64_t id) const {
  const ForkPause lock;
  const auto found = values_.find(id);
  return found == values_.end() ? nullptr : found->second.memory;
}

std::vector<SharedValues::Value> SharedValues::list() const {
  const ForkPause lock;
  std::vector<Value> values;
  for (const auto& [id, entry] : values_) {
    if (entry.memory != nullptr) {
      values.push_back({id, entry.memory});
    }
  }
  return values;
}

ByteView SharedValues::read(std::uint64_t id) const {
  const ForkPause lock;
  const auto found = values_.find(id);
  if (found == values_.end()) {
    throw std::logic_error(
        "this value of nodeShared() is not there any more, or not yet: a view can be read while "
        "its "
        "NodeShared object lives, by workers in the operations that start meanwhile");
  }
  if (found->second.memory == nullptr) {
    throw SystemError(
        "a value of nodeShared() cannot be mapped in this process (see `ulimit -v`, and the memory "
        "limit of the job)",
        found->second.errorNumber);
  }
  return found->second.memory->bytes();
}

SharedValues& sharedValues() {
  // Never destroyed: static NodeShared objects may end after it.
  static auto* const instance = new SharedValues;
  return *instance;
}

std::uint64_t shareBytes(ByteView bytes) { return sharedValues().add(SealedMemory::copyOf(bytes)); }

std::uint64_t shareFilled(std::size_t count, std::size_t size,
                          const std::function<void(std::byte*)>& fill) {
  if (count > std::numeric_limits<std::size_t>::max() / size) {
    throw SystemError(
        "cannot share " + std::to_string(count) + " elements of " + std::to_string(size) + " bytes",
        ENOMEM);
  }
  UnsealedMemory memory(count * size);
  fill(memory.bytes().data());
  return sharedValues().add(memory.seal());
}

ByteView findShared(std::uint64_t id) {
  // Callbacks read a view for each item: mostly one of a few, again and again.
  struct Cached {
    std::uint64_t id = 0;
    std::uint64_t version = 0;
    ByteView bytes;
  };
  thread_local std::array<Cached, 8> cache;
  Cached& cached = cache[id % cache.size()];
  const std::uint64_t version = sharedValues().version();
  if (cached.id != id || cached.version != version) {
    cached = {id, version, sharedValues().read(id)};
  }
  return cached.bytes;
}

void releaseShared(std::uint64_t id) noexcept {
  try {
    sharedValues().release(id);
    forgetReleasedOnRanks();
  } catch (const std::exception& error) {
    log(LogLevel::Error, std::string("a shared value could not be released: ") + error.what());
  }
}

}  // namespace procession::detail
