#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "system/file_descriptor.hpp"

namespace procession::detail {

/// A mapping of a file or memfd, unmapped at the end. Not the owner of the descriptor.
class Mapping {
 public:
  Mapping() = default;
  /// Maps [0, size) shared, readable and writable. Throws SystemError.
  Mapping(int descriptor, std::size_t size);
  /// Maps [0, size) for reading only: a write there ends the process by SIGSEGV. Throws
  /// SystemError.
  [[nodiscard]] static Mapping readOnly(int descriptor, std::size_t size);
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();

  /// Maps [0, size) instead, at any address. Throws SystemError.
  void resize(std::size_t size);
  /// From here on what is written stays in this process. `descriptor`: of the file that is mapped.
  /// False when that cannot be done: then nothing has changed. To be called after a fork, too.
  bool makePrivate(int descriptor) noexcept;

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;  // null: nothing is mapped
  std::size_t size_ = 0;
};

/// A new memfd of `size` bytes, close-on-exec; memory is taken only where it is touched. Throws
/// SystemError that names the limit when descriptors run out.
FileDescriptor makeMemoryFile(std::size_t size);
/// The same, for memory that is to be sealed.
FileDescriptor makeSealableMemoryFile(std::size_t size);

/// Changes the size of a memfd. Throws SystemError.
void resizeMemoryFile(int descriptor, std::size_t size);

/// The size of the file behind a descriptor. Throws SystemError.
std::size_t sizeOfFile(int descriptor);

/// Gives the memory of [offset, offset + size) back to the system; it reads as zeros afterwards.
void releaseMemory(int descriptor, std::size_t offset, std::size_t size) noexcept;

}  // namespace procession::detail
