#include "backend/mpi/node_binding.hpp"

#include <sched.h>

#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "backend/mpi/mpi_call.hpp"
#include "backend/narrow_binding.hpp"
#include "system/log.hpp"

namespace procession::detail {

namespace {

constexpr int kMostCpus = 8192;
using Mask = std::array<std::uint64_t, kMostCpus / 64>;

/// By the node's first rank, for all of them; empty in the others.
std::optional<std::string> complaintOfNode(MPI_Comm node) {
  Mask mask{};
  sched_getaffinity(0, sizeof mask, reinterpret_cast<cpu_set_t*>(mask.data()));
  Mask all = mask;
  checked(MPI_Reduce(mask.data(), all.data(), static_cast<int>(mask.size()), MPI_UINT64_T, MPI_BOR,
                     0, node),
          "comparing the cores of this node's ranks");
  int rank = 0;
  MPI_Comm_rank(node, &rank);
  if (rank != 0) {
    return std::nullopt;
  }
  int used = 0;
  for (const std::uint64_t word : all) {
    used += std::popcount(word);
  }
  return describeNarrowBinding(used);
}

}  // namespace

void warnOfNarrowBinding(MPI_Comm communicator) {
  MPI_Comm node = MPI_COMM_NULL;
  checked(MPI_Comm_split_type(communicator, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
          "finding the ranks of this node");
  const std::optional<std::string> complaint = complaintOfNode(node);
  MPI_Comm_free(&node);

  int rank = 0;
  MPI_Comm_rank(communicator, &rank);
  int first = complaint ? rank : std::numeric_limits<int>::max();
  checked(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, communicator),
          "comparing the cores of the nodes");
  if (complaint && first == rank) {
    log(LogLevel::Warn, *complaint);
  }
}

}  // namespace procession::detail
