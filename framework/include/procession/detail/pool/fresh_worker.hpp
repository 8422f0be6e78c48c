#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <typeinfo>

#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

// A worker class without `serialize` is made anew in each process. That is what is wanted of one
// whose data initialize() makes; it would silently lose what an object was told by its constructor.
// So the given object is compared with new ones.

/// New objects of the same class, byte by byte: two that were made in zeroed memory, and one in
/// memory that was all ones.
struct NewBytes {
  ByteView zeroed;
  ByteView zeroedToo;
  ByteView ones;
};

/// The offset of the first byte of `given` that tells it from new ones; empty when none does. Words
/// in which new ones differ (addresses, times, counters) tell nothing, nor do bytes that their
/// constructor leaves as it finds them (padding, members without a value).
[[nodiscard]] std::optional<std::size_t> findState(ByteView given, const NewBytes& fresh);

[[noreturn]] void throwStateIsLost(const std::type_info& type, std::size_t offset);

/// An object made in memory that had a certain content.
template <class Value>
class MadeIn {
 public:
  explicit MadeIn(unsigned char content) : memory_(std::make_unique<Memory>()) {
    std::memset(memory_->bytes, content, sizeof(Value));
    // The compiler may not take it that the constructor writes over all of it.
    asm volatile("" : : "r"(memory_->bytes) : "memory");
    value_ = new (memory_->bytes) Value;
  }
  MadeIn(const MadeIn&) = delete;
  MadeIn& operator=(const MadeIn&) = delete;
  ~MadeIn() { value_->~Value(); }

  [[nodiscard]] ByteView bytes() const { return {memory_->bytes, sizeof(Value)}; }

 private:
  struct Memory {
    alignas(Value) std::byte bytes[sizeof(Value)];
  };
  std::unique_ptr<Memory> memory_;
  Value* value_ = nullptr;
};

template <class Worker>
std::optional<std::size_t> findStateOf(const Worker& given) {
  try {
    const MadeIn<Worker> zeroed(0x00);
    const MadeIn<Worker> zeroedToo(0x00);  // beside it, so that they share no address
    const MadeIn<Worker> ones(0xFF);
    return findState({reinterpret_cast<const std::byte*>(&given), sizeof(Worker)},
                     {zeroed.bytes(), zeroedToo.bytes(), ones.bytes()});
  } catch (...) {
    return std::nullopt;  // its constructor throws: in the workers, too, which tell it better
  }
}

/// Throws PortabilityError when `given` is not as a new one would be.
template <class Worker>
void requireNoState(const Worker& given) {
  if (const std::optional<std::size_t> offset = findStateOf(given)) {
    throwStateIsLost(typeid(Worker), *offset);
  }
}

}  // namespace procession::detail
