#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "backend/backend.hpp"
#include "backend/trace_record.hpp"
#include "scheduler/scheduler.hpp"

namespace procession::detail {

/// What a ChunkDriver tells PROCESSION_TRACE of its chunks and workers.
class ChunkTrace {
 public:
  using Sink = std::function<void(const TraceRecord&)>;

  ChunkTrace(const Backend& backend, Sink sink) : backend_(backend), sink_(std::move(sink)) {}

  void begin(std::uint64_t operation) { operation_ = operation; }
  /// The driver waited for its workers.
  void wait(Time begin, Time end) const;
  /// What lasted as the span of the chunk tells; nothing where there is none.
  void chunk(TraceRecord::Type type, int worker, const Chunk& chunk,
             std::optional<std::uint64_t> item = std::nullopt) const;
  /// The same of a chunk that came back broken: its first items are done, and what became of the
  /// others took so long.
  void broken(TraceRecord::Type type, int worker, const Chunk& chunk, std::uint64_t done,
              Time took = Time(0), std::optional<std::uint64_t> item = std::nullopt) const;
  /// What happens now to the worker or to a chunk of its.
  void moment(TraceRecord::Type type, int worker, const Chunk& chunk = {},
              std::optional<std::uint64_t> item = std::nullopt, int number = 0) const;
  /// The worker is gone; `begun`: the chunk that it was on, if any.
  void loss(int worker, const std::optional<Chunk>& begun, ProcessStatus status,
            std::optional<std::uint64_t> item) const;

 private:
  void span(TraceRecord::Type type, const Backend::Span& span, const Chunk& chunk,
            std::optional<std::uint64_t> item) const;

  const Backend& backend_;
  Sink sink_;
  std::uint64_t operation_ = 0;
};

}  // namespace procession::detail
