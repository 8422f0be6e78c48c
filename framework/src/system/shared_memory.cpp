#include "system/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "procession/error.hpp"

namespace procession::detail {

namespace {

std::byte* checkMapped(void* memory, std::size_t size) {
  if (memory == MAP_FAILED) {
    throw SystemError(
        "cannot map " + std::to_string(size) +
            " bytes of shared memory (see ulimit -v, and the memory limit of the job)",
        errno);
  }
  return static_cast<std::byte*>(memory);
}

FileDescriptor makeFile(std::size_t size, unsigned flags) {
  FileDescriptor file(memfd_create("procession", MFD_CLOEXEC | flags));
  if (!file) {
    throw SystemError(errno == EMFILE
                          ? "cannot create shared memory: too many open files (raise `ulimit -n`)"
                          : "cannot create shared memory",
                      errno);
  }
  resizeMemoryFile(file.get(), size);
  return file;
}

}  // namespace

Mapping::Mapping(int descriptor, std::size_t size)
    : data_(checkMapped(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
                        size)),
      size_(size) {}

Mapping Mapping::readOnly(int descriptor, std::size_t size) {
  Mapping mapping;
  // Kernels before 6.7 refuse a shared mapping of what is sealed against writing. A private one
  // that nobody can write to has the same pages.
  mapping.data_ = checkMapped(mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0), size);
  mapping.size_ = size;
  return mapping;
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
  data_ = checkMapped(mremap(data_, size_, size, MREMAP_MAYMOVE), size);
  size_ = size;
}

bool Mapping::makePrivate(int descriptor) noexcept {
  return mmap(data_, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, descriptor, 0) !=
         MAP_FAILED;
}

FileDescriptor makeMemoryFile(std::size_t size) { return makeFile(size, 0); }

FileDescriptor makeSealableMemoryFile(std::size_t size) {
  return makeFile(size, MFD_ALLOW_SEALING);
}

void resizeMemoryFile(int descriptor, std::size_t size) {
  // Beyond this limit the system does not merely refuse: it sends SIGXFSZ, which ends the process.
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur) {
    throw SystemError("cannot make " + std::to_string(size) +
                          " bytes of shared memory: files may have " +
                          std::to_string(limit.rlim_cur) + " bytes (raise `ulimit -f`)",
                      EFBIG);
  }
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
