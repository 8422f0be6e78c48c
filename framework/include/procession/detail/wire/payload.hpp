#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace procession::detail {

using ByteView = std::span<const std::byte>;

/// A growing run of bytes that something is encoded into: heap memory, a slot of shared memory, a
/// memfd. Appending is inline; only growing is virtual.
class PayloadWriter {
 public:
  PayloadWriter(const PayloadWriter&) = delete;
  PayloadWriter& operator=(const PayloadWriter&) = delete;
  virtual ~PayloadWriter() = default;

  /// Appends `size` bytes that the caller fills in. The pointer holds until the next claim or
  /// write.
  std::byte* claim(std::size_t size) {
    if (static_cast<std::size_t>(limit_ - cursor_) < size) {
      growBy(size);
    }
    std::byte* claimed = cursor_;
    cursor_ += size;
    return claimed;
  }
  void write(const void* data, std::size_t size) {
    if (size != 0) {
      std::memcpy(claim(size), data, size);
    }
  }
  /// Fixed-width fields of headers and lengths.
  void writeWord(std::uint64_t word) { write(&word, sizeof word); }

  /// Cuts back to `size` bytes; for what was written in vain.
  void truncate(std::size_t size) { cursor_ = begin_ + size; }

  [[nodiscard]] std::byte* data() { return begin_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(cursor_ - begin_); }
  [[nodiscard]] ByteView view() const { return {begin_, size()}; }

 protected:
  PayloadWriter() = default;
  /// Starts over in this memory, empty.
  void assign(std::byte* begin, std::size_t capacity) {
    begin_ = begin;
    cursor_ = begin;
    limit_ = begin + capacity;
  }
  /// Goes on in this memory, to which the subclass moved the content.
  void moveTo(std::byte* begin, std::size_t capacity) {
    cursor_ = begin + size();
    begin_ = begin;
    limit_ = begin + capacity;
  }
  [[nodiscard]] std::size_t capacity() const { return static_cast<std::size_t>(limit_ - begin_); }

 private:
  /// Makes room for at least `capacity` bytes in all, keeping the content, by moveTo().
  virtual void grow(std::size_t wanted) = 0;
  void growBy(std::size_t size);

  std::byte* begin_ = nullptr;
  std::byte* cursor_ = nullptr;
  std::byte* limit_ = nullptr;
};

/// A payload on the heap. Large ones are asked for in huge pages before they are touched.
class HeapPayload final : public PayloadWriter {
 public:
  HeapPayload() = default;
  ~HeapPayload() override;

  /// Bytes that stay where they are, for those who only read: nothing can be written to it. The
  /// memory is the lender's, who keeps it until all have let go of the payload.
  [[nodiscard]] static std::shared_ptr<const HeapPayload> borrow(ByteView bytes);

 private:
  void grow(std::size_t wanted) override;

  bool isBorrowed_ = false;
};

/// Reads what a PayloadWriter wrote. Reading past the end throws PayloadError; it never touches
/// other memory.
class PayloadReader {
 public:
  explicit PayloadReader(ByteView bytes)
      : cursor_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  /// The next `size` bytes, in place.
  const std::byte* take(std::size_t size) {
    if (size > remaining()) {
      throwTruncated(size);
    }
    const std::byte* taken = cursor_;
    cursor_ += size;
    return taken;
  }
  void read(void* target, std::size_t size) {
    if (size != 0) {
      std::memcpy(target, take(size), size);
    }
  }
  std::uint64_t readWord() {
    std::uint64_t word;
    read(&word, sizeof word);
    return word;
  }
  [[nodiscard]] std::size_t remaining() const { return static_cast<std::size_t>(end_ - cursor_); }
  [[nodiscard]] ByteView rest() const { return {cursor_, remaining()}; }
  /// Throws PayloadError when bytes are left over.
  void expectEnd() const;

 private:
  [[noreturn]] void throwTruncated(std::size_t wanted) const;

  const std::byte* cursor_;
  const std::byte* end_;
};

}  // namespace procession::detail
