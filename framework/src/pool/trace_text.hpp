#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "backend/trace_record.hpp"

namespace procession::detail {

/// A row of a trace: a process or thread of some rank.
struct TraceRow {
  int rank = 0;
  std::int64_t thread = 0;  // its id on the rank's host

  friend auto operator<=>(const TraceRow&, const TraceRow&) = default;
};

// Events as the Trace Event Format has them (Chromium, "Trace Event Format"), each a JSON object
// without a newline. `pid` is the rank, from 1, since 0 means "idle" to viewers; `tid` the id of
// the process or thread. `start`: of the trace, on the wall clock.

std::string traceEvent(const TraceRow& row, std::string_view operation, const TraceRecord& record,
                       Time start);
/// The begin and the end of an operation. One that is taken in one call nests in its thread; others
/// may overlap, and get rows by their `id`.
std::string traceOperationBegin(const TraceRow& row, std::string_view operation, std::uint64_t id,
                                std::uint64_t items, bool nests, Time since);
std::string traceOperationEnd(const TraceRow& row, std::string_view operation, std::uint64_t id,
                              std::uint64_t done, std::uint64_t failed, bool nests, Time since);
std::string traceRankName(int rank, std::string_view name);
std::string traceRowName(const TraceRow& row, std::string_view name);

}  // namespace procession::detail
