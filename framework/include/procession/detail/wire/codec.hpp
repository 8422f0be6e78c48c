#pragma once

#include <array>
#include <bit>
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/detail/stack_constructor.hpp>
#include <cstddef>
#include <cstring>
#include <streambuf>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <vector>

#include "procession/detail/wire/boost_types.hpp"
#include "procession/detail/wire/huge_pages.hpp"
#include "procession/detail/wire/payload.hpp"
#include "procession/serializable.hpp"

// Values to bytes and back: raw bytes where the type allows it, a length and bytes for strings and
// vectors of raw elements, a Boost binary archive for everything else. One archive a value: Boost
// recognises objects by their address, and the results of a loop live at the same address one after
// the other. Boost believes what it reads, lengths and places in its tables too; so an archive is
// sealed, and opened only when it is whole.

namespace procession::detail {

/// Lets a Boost archive append to a payload.
class PayloadOutput final : public std::streambuf {
 public:
  explicit PayloadOutput(PayloadWriter& writer) : writer_(writer) {}

 private:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    writer_.write(data, static_cast<std::size_t>(size));
    return size;
  }
  int_type overflow(int_type character) override {
    const char byte = traits_type::to_char_type(character);
    writer_.write(&byte, 1);
    return character;
  }

  PayloadWriter& writer_;
};

/// Lets a Boost archive read from a payload, in place.
class PayloadInput final : public std::streambuf {
 public:
  explicit PayloadInput(ByteView bytes) {
    // The get area is never written to; streambuf merely has no const one.
    char* begin = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
    setg(begin, begin, begin + bytes.size());
  }
  [[nodiscard]] std::size_t consumed() const { return static_cast<std::size_t>(gptr() - eback()); }
};

inline constexpr unsigned kArchiveFlags = boost::archive::no_header | boost::archive::no_codecvt;

/// An archive's length and checksum, in front of it.
inline constexpr std::size_t kSealBytes = 2 * sizeof(std::uint64_t);
/// Fills in the seal at `start`, for the archive from behind it to the payload's end.
void sealArchive(PayloadWriter& writer, std::size_t start);
/// The sealed archive that comes next. Throws PayloadError when it is not as it was written.
ByteView openArchive(PayloadReader& reader);
/// Throws PayloadError unless all of an archive was read: else the class loads less than it saves.
void expectWholeArchive(std::size_t read, std::size_t size);

/// Throws PayloadError for a byte that is no bool.
bool isTrue(unsigned char byte);

/// Turns the failure being handled while a `type` was decoded into a PayloadError; to be called in
/// a catch block.
[[noreturn]] void rethrowAsPayloadError(const std::type_info& type);

template <class Value>
inline constexpr bool isRawSequence = false;
template <class Character, class Traits, class Allocator>
inline constexpr bool isRawSequence<std::basic_string<Character, Traits, Allocator>> = true;
template <class Value, class Allocator>
inline constexpr bool isRawSequence<std::vector<Value, Allocator>> =
    RawBytes<Value> && !std::is_same_v<Value, bool> && std::is_default_constructible_v<Value>;

template <Serializable Value>
void encode(PayloadWriter& writer, const Value& value) {
  if constexpr (RawBytes<Value>) {
    writer.write(&value, sizeof value);
  } else if constexpr (isRawSequence<Value>) {
    writer.writeWord(value.size());
    writer.write(value.data(), value.size() * sizeof(*value.data()));
  } else {
    const std::size_t start = writer.size();
    writer.claim(kSealBytes);
    PayloadOutput output(writer);
    boost::archive::binary_oarchive archive(output, kArchiveFlags);
    archive << value;
    sealArchive(writer, start);
  }
}

template <class Value>
Value decodeRaw(PayloadReader& reader) {
  if constexpr (std::is_same_v<Value, bool>) {
    return isTrue(decodeRaw<unsigned char>(reader));
  } else if constexpr (std::is_default_constructible_v<Value>) {
    Value value;
    reader.read(&value, sizeof value);
    return value;
  } else {
    std::array<std::byte, sizeof(Value)> bytes;
    reader.read(bytes.data(), bytes.size());
    return std::bit_cast<Value>(bytes);
  }
}

template <class Value>
Value decodeSequence(PayloadReader& reader) {
  using Element = typename Value::value_type;
  const std::uint64_t count = reader.readWord();
  // Compared before it is multiplied or allocated: a wrong length must not ask for memory.
  if (count > reader.remaining() / sizeof(Element)) {
    reader.take(reader.remaining() + 1);
  }
  const std::byte* bytes = reader.take(count * sizeof(Element));
  if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(Element) == 0) {
    const auto* elements = reinterpret_cast<const Element*>(bytes);
    Value value;
    value.reserve(count);
    adviseHugePages(value.data(), count * sizeof(Element));
    value.assign(elements, elements + count);
    return value;
  }
  Value value(count, Element{});
  if (count != 0) {
    std::memcpy(value.data(), bytes, count * sizeof(Element));
  }
  return value;
}

template <class Value>
Value decodeArchived(PayloadReader& reader) {
  try {
    const ByteView bytes = openArchive(reader);
    PayloadInput input(bytes);
    boost::archive::binary_iarchive archive(input, kArchiveFlags);
    if constexpr (std::is_default_constructible_v<Value>) {
      Value value{};
      archive >> value;
      expectWholeArchive(input.consumed(), bytes.size());
      return value;
    } else {
      boost::serialization::detail::stack_construct<decltype(archive), Value> value(archive, 0);
      archive >> value.reference();
      expectWholeArchive(input.consumed(), bytes.size());
      return std::move(value.reference());
    }
  } catch (...) {
    rethrowAsPayloadError(typeid(Value));
  }
}

/// The next value of the payload. Throws PayloadError when the bytes are not one.
template <Serializable Value>
[[nodiscard]] Value decode(PayloadReader& reader) {
  if constexpr (RawBytes<Value>) {
    return decodeRaw<Value>(reader);
  } else if constexpr (isRawSequence<Value>) {
    return decodeSequence<Value>(reader);
  } else {
    return decodeArchived<Value>(reader);
  }
}

}  // namespace procession::detail
