#include "procession/detail/wire/payload.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>

#include "procession/detail/wire/huge_pages.hpp"
#include "procession/error.hpp"

namespace procession::detail {

namespace {

constexpr std::size_t kMappedFrom = kHugePageWorthwhile;
// As in the other payloads' memory, so that over-aligned types can be laid out raw.
constexpr std::size_t kAlignment = 64;

}  // namespace

void adviseHugePages(const void* memory, std::size_t bytes) noexcept {
  if (bytes < kHugePageWorthwhile) {
    return;
  }
  constexpr std::uintptr_t kPage = 4096;
  const std::uintptr_t begin =
      (reinterpret_cast<std::uintptr_t>(memory) + kPage - 1) / kPage * kPage;
  const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / kPage * kPage;
  static_cast<void>(madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
}

void PayloadWriter::growBy(std::size_t size) {
  if (size > SIZE_MAX / 2 - capacity()) {
    throw std::bad_alloc();
  }
  grow(std::max(this->size() + size, 2 * capacity()));
}

void PayloadReader::expectEnd() const {
  if (remaining() != 0) {
    throw PayloadError("malformed payload: " + std::to_string(remaining()) +
                       " bytes are left over at its end");
  }
}

void PayloadReader::throwTruncated(std::size_t wanted) const {
  throw PayloadError("malformed payload: " + std::to_string(wanted) + " bytes were expected, " +
                     std::to_string(remaining()) + " are left");
}

std::shared_ptr<const HeapPayload> HeapPayload::borrow(ByteView bytes) {
  auto payload = std::make_shared<HeapPayload>();
  payload->isBorrowed_ = true;
  // Whoever gets it has no way to write.
  payload->assign(const_cast<std::byte*>(bytes.data()), bytes.size());
  payload->claim(bytes.size());
  return payload;
}

HeapPayload::~HeapPayload() {
  if (isBorrowed_) {
    return;
  }
  if (capacity() >= kMappedFrom) {
    munmap(data(), capacity());
  } else {
    std::free(data());
  }
}

void HeapPayload::grow(std::size_t wanted) {
  const std::size_t rounding = wanted >= kMappedFrom ? kMappedFrom : 256;
  const std::size_t size = (wanted + rounding - 1) / rounding * rounding;
  void* memory = nullptr;
  if (size < kMappedFrom) {
    memory = std::aligned_alloc(kAlignment, size);
  } else if (capacity() >= kMappedFrom) {
    memory = mremap(data(), capacity(), size, MREMAP_MAYMOVE);
  } else {
    memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (memory == nullptr || memory == MAP_FAILED) {
    throw std::bad_alloc();
  }
  if (size >= kMappedFrom) {
    adviseHugePages(memory, size);
  }
  if (capacity() != 0 && capacity() < kMappedFrom) {
    std::memcpy(memory, data(), this->size());
    std::free(data());
  }
  moveTo(static_cast<std::byte*>(memory), size);
}

}  // namespace procession::detail
