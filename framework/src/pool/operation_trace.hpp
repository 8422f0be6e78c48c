#pragma once

#include <cstdint>

#include "backend/trace_record.hpp"
#include "pool/trace_file.hpp"
#include "procession/detail/wire/payload.hpp"

namespace procession::detail {

/// What one operation of the parent's tells the trace. Does nothing where there is none.
class OperationTrace {
 public:
  OperationTrace() : file_(traceFile()) {}

  /// The operation is taken in one call, so that it nests in its thread.
  void nest() { nests_ = true; }
  /// False: there is no trace.
  bool begin(const char* name, std::uint64_t id, std::uint64_t items);
  void add(const TraceRecord& record);
  /// Of a rank's workers: TraceRecord by TraceRecord. Throws PayloadError.
  void add(int rank, ByteView records);
  /// Happens now to the operation.
  void note(TraceRecord::Type type, int number = 0);
  void end(std::uint64_t done, std::uint64_t failed);

 private:
  TraceFile* file_;
  bool nests_ = false;
  const char* name_ = nullptr;  // null: not begun, or over
  std::uint64_t id_ = 0;
};

}  // namespace procession::detail
