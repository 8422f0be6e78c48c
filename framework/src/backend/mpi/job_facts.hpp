#pragma once

#include <mpi.h>

#include <string>
#include <vector>

namespace procession::detail {

/// What a rank tells the others of itself at the start.
struct RankFacts {
  std::string host;
  int leader = 0;  // the lowest rank of its node
  int cores = 1;   // that it can keep busy: its share of its node's
};

/// By rank. Collective over `communicator`. Throws MpiError.
std::vector<RankFacts> gatherFacts(MPI_Comm communicator);

/// Refuses ranks that cannot work together: another program or library, another version, another
/// value of a variable of ours. All ranks throw the same MpiError, which names the two hosts and
/// what differs. Collective.
void requireSameProgram(MPI_Comm communicator, const std::vector<RankFacts>& facts);

}  // namespace procession::detail
