#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "procession/detail/wire/payload.hpp"
#include "procession/error.hpp"

// What a fuzz target is: one function, called with one run of bytes after the other. Bytes that are
// no message have to come to a PayloadError. Anything else that leaves the decoder is a finding, as
// are a crash, a hang, undefined behaviour, and memory out of proportion to the bytes.

namespace procession::test {

/// Takes the input apart: choices that the target makes in front, the bytes for the decoder behind.
class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : bytes_(reinterpret_cast<const std::byte*>(data), size) {}

  /// 0 when there is nothing left.
  std::uint8_t takeByte() {
    const detail::ByteView one = take(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one[0]);
  }
  /// As many as are there.
  detail::ByteView take(std::size_t size) {
    const detail::ByteView taken = bytes_.first(size < bytes_.size() ? size : bytes_.size());
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }
  [[nodiscard]] detail::ByteView rest() const { return bytes_; }
  [[nodiscard]] bool isEmpty() const { return bytes_.empty(); }

 private:
  detail::ByteView bytes_;
};

template <class Action>
void mayBeMalformed(Action action) {
  try {
    action();
  } catch (const PayloadError&) {
    // as it should be
  }
}

}  // namespace procession::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
