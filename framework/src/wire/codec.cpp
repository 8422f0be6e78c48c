#include "procession/detail/wire/codec.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "procession/detail/wire/exception_chain.hpp"
#include "procession/error.hpp"

namespace procession::detail {

namespace {

/// Tells damage, not malice: a word at a time, each mixed into all bits that follow.
std::uint64_t checksum(ByteView bytes) {
  constexpr std::uint64_t kOddFactor = 0x9E37'79B9'7F4A'7C15;
  std::uint64_t sum = bytes.size();
  for (std::size_t position = 0; position < bytes.size(); position += sizeof sum) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + position, std::min(sizeof word, bytes.size() - position));
    sum = (sum ^ word) * kOddFactor;
    sum ^= sum >> 32;
  }
  return sum;
}

}  // namespace

void sealArchive(PayloadWriter& writer, std::size_t start) {
  const ByteView archive = writer.view().subspan(start + kSealBytes);
  const std::array<std::uint64_t, 2> seal{archive.size(), checksum(archive)};
  std::memcpy(writer.data() + start, seal.data(), kSealBytes);
}

ByteView openArchive(PayloadReader& reader) {
  const std::uint64_t size = reader.readWord();
  const std::uint64_t sum = reader.readWord();
  const ByteView archive{reader.take(size), size};
  if (checksum(archive) != sum) {
    throw PayloadError("its bytes are not those that were written");
  }
  return archive;
}

void expectWholeArchive(std::size_t read, std::size_t size) {
  if (read != size) {
    throw PayloadError("its serialize function reads " + std::to_string(read) + " of the " +
                       std::to_string(size) + " bytes that it wrote");
  }
}

bool isTrue(unsigned char byte) {
  if (byte > 1) {
    throw PayloadError("malformed payload: a bool of " + std::to_string(byte));
  }
  return byte == 1;
}

void rethrowAsPayloadError(const std::type_info& type) {
  const std::string start = "malformed payload: no " + demangle(type) + " can be read from it: ";
  try {
    throw;
  } catch (const PayloadError& error) {
    throw PayloadError(start + error.what());
  } catch (const boost::archive::archive_exception& error) {
    throw PayloadError(start + error.what());
  } catch (const std::length_error& error) {
    throw PayloadError(start + error.what());
  } catch (const std::bad_alloc&) {
    throw PayloadError(start + "it asks for more memory than there is");
  }
}

}  // namespace procession::detail
