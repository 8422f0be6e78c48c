#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace procession::benchmarks {

/// Lengths in nanoseconds that add up to `total`, Pareto-distributed: most are short, a few are as
/// long as hundreds of others. The same ones on every machine.
std::vector<std::int64_t> paretoLengths(std::size_t count, std::chrono::nanoseconds total);

/// Uses the processor for so many nanoseconds: time in which it was used by others does not count,
/// so that whatever the parent does beside its workers is seen in the result. Returns one more.
std::int64_t spin(std::int64_t nanoseconds);

/// The same for all lengths, by a dynamic loop of OpenMP.
std::vector<std::int64_t> spinWithOpenMp(int threads, const std::vector<std::int64_t>& lengths);

/// Whether these are the results of spin().
bool areResultsOfSpin(const std::vector<std::int64_t>& results,
                      const std::vector<std::int64_t>& lengths);

}  // namespace procession::benchmarks
