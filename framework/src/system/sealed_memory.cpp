#include "system/sealed_memory.hpp"

#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::size_t mappedSize(std::size_t size) { return std::max<std::size_t>(size, 1); }

[[noreturn]] void throwNoMemory(std::size_t size, int errorNumber) {
  throw SystemError("cannot take " + std::to_string(size) +
                        " bytes of memory for a value that the processes of a node share (see "
                        "`free -b`, `ulimit -v`, and the memory limit of the job or container)",
                    errorNumber);
}

FileDescriptor makeFile(std::size_t size) {
  // More than the machine has would not be refused: its system would end processes instead.
  struct sysinfo machine {};
  if (sysinfo(&machine) == 0 &&
      size / machine.mem_unit > std::uint64_t{machine.totalram} + machine.totalswap) {
    throwNoMemory(size, ENOMEM);
  }
  return makeSealableMemoryFile(mappedSize(size));
}

void fill(int file, std::span<const std::byte> bytes) {
  // Written, not copied into a mapping: that would fault each page in first.
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t written =
        pwrite(file, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (written > 0) {
      at += static_cast<std::size_t>(written);
    } else if (written < 0 && errno != EINTR) {
      throwNoMemory(bytes.size(), errno);
    }
  }
}

SealedMemory seal(FileDescriptor file, std::size_t size) {
  if (fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) {
    throw SystemError("cannot seal shared memory", errno);
  }
  return {std::move(file), size};
}

}  // namespace

SealedMemory::SealedMemory(FileDescriptor file, std::size_t size)
    : file_(std::move(file)), size_(size) {
  const int seals = fcntl(file_.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals || sizeOfFile(file_.get()) != mappedSize(size)) {
    throw PayloadError("shared memory from another process is not what it should be");
  }
  mapping_ = Mapping::readOnly(file_.get(), mappedSize(size));
}

SealedMemory SealedMemory::copyOf(std::span<const std::byte> bytes) {
  FileDescriptor file = makeFile(bytes.size());
  fill(file.get(), bytes);
  return seal(std::move(file), bytes.size());
}

UnsealedMemory::UnsealedMemory(std::size_t size)
    : file_(makeFile(size)), size_(size), mapping_(file_.get(), mappedSize(size)) {
  // Where memory is short, this fails; a write into the mapping would end the process.
  int error = 0;
  do {
    error = posix_fallocate(file_.get(), 0, static_cast<off_t>(mappedSize(size)));
  } while (error == EINTR);
  if (error != 0) {
    throwNoMemory(size, error);
  }
}

SealedMemory UnsealedMemory::seal() {
  mapping_ = Mapping();  // what can be written to cannot be sealed
  return detail::seal(std::move(file_), size_);
}

}  // namespace procession::detail
