#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "procession/detail/backend/shared_value.hpp"
#include "system/sealed_memory.hpp"

namespace procession::detail {

/// The values of nodeShared() that this process can read, by id: its own, those that it inherited
/// and those that it was sent. It sends nothing.
///
/// Thread safety: all of it.
class SharedValues {
 public:
  struct Value {
    std::uint64_t id = 0;
    std::shared_ptr<const SealedMemory> memory;
  };

  /// A new value. Returns its id.
  std::uint64_t add(SealedMemory memory);
  /// One that another process made. No effect when it is here already.
  void accept(std::uint64_t id, SealedMemory memory);
  /// One that could not be mapped: whoever looks for it is told why.
  void acceptFailure(std::uint64_t id, int errorNumber);
  void release(std::uint64_t id);
  void releaseAll();

  /// Null when it is not here.
  [[nodiscard]] std::shared_ptr<const SealedMemory> find(std::uint64_t id) const;
  /// In the order of their ids.
  [[nodiscard]] std::vector<Value> list() const;
  /// Another number after every change.
  [[nodiscard]] std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  /// For findShared().
  [[nodiscard]] ByteView read(std::uint64_t id) const;

 private:
  struct Entry {
    std::shared_ptr<const SealedMemory> memory;  // null: it could not be mapped
    int errorNumber = 0;
  };

  void hasChanged() { version_.fetch_add(1, std::memory_order_release); }

  // Guarded by ForkPause, so that no child finds it half changed.
  std::map<std::uint64_t, Entry> values_;
  std::uint64_t lastNumber_ = 0;
  std::atomic<std::uint64_t> version_ = 1;
};

/// Those of this process.
SharedValues& sharedValues();

}  // namespace procession::detail
