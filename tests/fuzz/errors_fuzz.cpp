#include <exception>

#include "backend/error_message.hpp"
#include "fuzz/fuzz.hpp"
#include "procession/detail/wire/exception_chain.hpp"

// Exceptions and errors on their way between processes.

using namespace procession::detail;  // NOLINT: a program of one function

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  procession::test::FuzzInput input(data, size);
  const bool isError = input.takeByte() % 2 == 0;
  procession::test::mayBeMalformed([&] {
    PayloadReader reader(input.rest());
    HeapPayload again;
    if (isError) {
      encodeError(again, decodeError(reader));
    } else {
      encodeChain(again, decodeChain(reader));
    }
  });
  return 0;
}
