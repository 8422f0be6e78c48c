#include <cstdlib>
#include <string>

#include "fuzz/fuzz.hpp"
#include "pool/trace_text.hpp"

// What an agent recorded for PROCESSION_TRACE, as the parent writes it down.

using namespace procession::detail;  // NOLINT: a program of one function

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  procession::test::FuzzInput input(data, size);
  const int rank = input.takeByte();
  procession::test::mayBeMalformed([&] {
    PayloadReader reader(input.rest());
    while (reader.remaining() > 0) {
      TraceRecord record;
      reader.read(&record, sizeof record);
      const std::string event =
          traceEvent({rank, record.process}, "map", record, Time(1'700'000'000'000'000'000));
      if (event.empty() || event.front() != '{' || event.back() != '}' ||
          event.find('\n') != std::string::npos) {
        std::abort();  // no JSON object in a line
      }
    }
  });
  return 0;
}
