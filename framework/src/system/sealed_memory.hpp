#pragma once

#include <cstddef>
#include <span>

#include "system/fork.hpp"
#include "system/shared_memory.hpp"

namespace procession::detail {

/// Memory that any number of processes map and that none of them can change any more: a memfd,
/// sealed. No child that is forked gets the descriptor; the mapping it inherits.
class SealedMemory {
 public:
  /// From another process, by its descriptor of it. Throws PayloadError when it is not sealed or
  /// not of this size, SystemError.
  SealedMemory(FileDescriptor file, std::size_t size);
  /// Throws SystemError that names the size when there is no memory for it.
  [[nodiscard]] static SealedMemory copyOf(std::span<const std::byte> bytes);

  /// At the beginning of a page.
  [[nodiscard]] std::span<const std::byte> bytes() const { return {mapping_.data(), size_}; }
  /// Not in a process that was forked from the one that got it.
  [[nodiscard]] int descriptor() const { return file_.get(); }
  /// For who reads it and never passes it on.
  void closeDescriptor() { file_.reset(); }

 private:
  PrivateDescriptor file_;
  std::size_t size_ = 0;
  Mapping mapping_;  // a byte more than nothing, as nothing cannot be mapped
};

/// Memory to be filled, then sealed.
class UnsealedMemory {
 public:
  /// Takes the memory at once. Throws SystemError that names the size when there is not enough.
  explicit UnsealedMemory(std::size_t size);

  [[nodiscard]] std::span<std::byte> bytes() const { return {mapping_.data(), size_}; }
  /// Once; it is filled.
  [[nodiscard]] SealedMemory seal();

 private:
  FileDescriptor file_;
  std::size_t size_ = 0;
  Mapping mapping_;
};

}  // namespace procession::detail
