#include "pool/operation_trace.hpp"

#include <utility>

#include "backend/backend.hpp"

namespace procession::detail {

bool OperationTrace::begin(const char* name, std::uint64_t id, std::uint64_t items) {
  if (file_ == nullptr) {
    return false;
  }
  name_ = name;
  id_ = id;
  file_->beginOperation(name, id, items, nests_);
  return true;
}

void OperationTrace::add(const TraceRecord& record) {
  if (name_ != nullptr) {
    file_->add(0, name_, record);
  }
}

void OperationTrace::add(int rank, ByteView records) {
  PayloadReader reader(records);
  while (name_ != nullptr && reader.remaining() > 0) {
    TraceRecord record;
    reader.read(&record, sizeof record);
    file_->add(rank, name_, record);
  }
}

void OperationTrace::note(TraceRecord::Type type, int number) {
  const Time now = wallTime(steadyNow());
  add({.type = type, .begin = now, .end = now, .operation = id_, .number = number});
}

void OperationTrace::end(std::uint64_t done, std::uint64_t failed) {
  if (const char* name = std::exchange(name_, nullptr)) {
    file_->endOperation(name, id_, done, failed, nests_);
  }
}

}  // namespace procession::detail
