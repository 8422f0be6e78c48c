#include "pool/chunk_trace.hpp"

#include <algorithm>

namespace procession::detail {

void ChunkTrace::wait(Time begin, Time end) const {
  constexpr Time kWorthTelling = std::chrono::microseconds(100);
  if (end - begin >= kWorthTelling) {
    sink_({.type = TraceRecord::Type::Wait,
           .begin = wallTime(begin),
           .end = wallTime(end),
           .operation = operation_});
  }
}

void ChunkTrace::chunk(TraceRecord::Type type, int worker, const Chunk& chunk,
                       std::optional<std::uint64_t> item) const {
  span(type, backend_.spanOf(worker, chunk.id), chunk, item);
}

void ChunkTrace::broken(TraceRecord::Type type, int worker, const Chunk& chunk, std::uint64_t done,
                        Time took, std::optional<std::uint64_t> item) const {
  Backend::Span rest = backend_.spanOf(worker, chunk.id);
  if (done > 0) {
    Backend::Span good = rest;
    good.end = rest.begin = std::clamp(rest.end - took, rest.begin, std::max(rest.begin, rest.end));
    span(TraceRecord::Type::Chunk, good, {chunk.id, chunk.first, done}, std::nullopt);
  }
  span(type, rest, {chunk.id, chunk.first + done, chunk.count - done}, item);
}

void ChunkTrace::span(TraceRecord::Type type, const Backend::Span& span, const Chunk& chunk,
                      std::optional<std::uint64_t> item) const {
  if (span.begin == Time(0)) {
    return;  // an agent, which tells of its workers
  }
  const Time end = span.end == Time(0) ? steadyNow() : span.end;
  sink_({.type = type,
         .process = span.process,
         .begin = wallTime(span.begin),
         .end = wallTime(end),
         .operation = operation_,
         .first = chunk.first,
         .count = chunk.count,
         .item = item.value_or(TraceRecord::kNoItem)});
}

void ChunkTrace::moment(TraceRecord::Type type, int worker, const Chunk& chunk,
                        std::optional<std::uint64_t> item, int number) const {
  const Time now = wallTime(steadyNow());
  sink_({.type = type,
         .process = worker < 0 ? 0 : backend_.spanOf(worker, chunk.id).process,
         .begin = now,
         .end = now,
         .operation = operation_,
         .first = chunk.first,
         .count = chunk.count,
         .item = item.value_or(TraceRecord::kNoItem),
         .number = number});
}

void ChunkTrace::loss(int worker, const std::optional<Chunk>& begun, ProcessStatus status,
                      std::optional<std::uint64_t> item) const {
  if (begun) {
    chunk(TraceRecord::Type::LostChunk, worker, *begun, item);
  }
  const int number =
      status.getSignal().value_or(TraceRecord::kExitCode + status.getExitCode().value_or(0));
  moment(TraceRecord::Type::WorkerLost, worker, {}, item, number);
}

}  // namespace procession::detail
