#pragma once

#include <mpi.h>

namespace procession::detail {

/// The first thing that ranks tell each other: which messages they understand. All throw the same
/// MpiError when they do not understand the same, so that no rank takes another's message for what
/// it is not. Collective.
void requireSameMessages(MPI_Comm communicator);

}  // namespace procession::detail
