#include <unistd.h>

#include <cstring>

#include "backend/shared_values.hpp"
#include "backend/value_exchange.hpp"
#include "fuzz/fuzz.hpp"

// Where a rank is told that a neighbour has the memory of a shared value.

using namespace procession::detail;  // NOLINT: a program of one function

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Other processes' descriptors are none of a fuzz target's business: every place is in this one.
  const ByteView input = procession::test::FuzzInput(data, size).rest();
  std::vector<std::byte> bytes(input.begin(), input.end());
  constexpr std::size_t kEntry = 2 * sizeof(std::uint64_t) + sizeof(ValuePlace);
  for (std::size_t at = 3 * sizeof(std::uint64_t); at + sizeof(std::int64_t) <= size;
       at += kEntry) {
    const std::int64_t self = getpid();
    std::memcpy(bytes.data() + at, &self, sizeof self);
  }
  procession::test::mayBeMalformed([&] {
    PayloadReader reader(bytes);
    SharedValues values;
    openPlaces(reader, values);
  });
  return 0;
}
