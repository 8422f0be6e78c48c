#include "system/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "procession/error.hpp"

namespace procession::detail {

Mapping::Mapping(int descriptor, std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) {
    throw SystemError(
        "cannot map " + std::to_string(size) +
            " bytes of shared memory (see ulimit -v, and the memory limit of the job)",
        errno);
  }
  data_ = static_cast<std::byte*>(memory);
  size_ = size;
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) {
    munmap(data_, size_);
  }
}

void Mapping::resize(std::size_t size) {
  void* memory = mremap(data_, size_, size, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) {
    throw SystemError(
        "cannot map " + std::to_string(size) +
            " bytes of shared memory (see ulimit -v, and the memory limit of the job)",
        errno);
  }
  data_ = static_cast<std::byte*>(memory);
  size_ = size;
}

FileDescriptor makeMemoryFile(std::size_t size) {
  FileDescriptor file(memfd_create("procession", MFD_CLOEXEC));
  if (!file) {
    throw SystemError(errno == EMFILE
                          ? "cannot create shared memory: too many open files (raise `ulimit -n`)"
                          : "cannot create shared memory",
                      errno);
  }
  resizeMemoryFile(file.get(), size);
  return file;
}

void resizeMemoryFile(int descriptor, std::size_t size) {
  if (ftruncate(descriptor, static_cast<off_t>(size)) != 0) {
    throw SystemError("cannot make " + std::to_string(size) + " bytes of shared memory", errno);
  }
}

std::size_t sizeOfFile(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) {
    throw SystemError("cannot tell the size of shared memory", errno);
  }
  return static_cast<std::size_t>(status.st_size);
}

void releaseMemory(int descriptor, std::size_t offset, std::size_t size) noexcept {
  // A file system that cannot punch holes merely keeps the memory until the end.
  static_cast<void>(fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              static_cast<off_t>(offset), static_cast<off_t>(size)));
}

}  // namespace procession::detail
