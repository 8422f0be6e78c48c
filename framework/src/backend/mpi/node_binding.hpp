#pragma once

#include <mpi.h>

namespace procession::detail {

/// Warns, once for the job, when all ranks of a node together may use less than half of its cores,
/// as by a launcher's default binding. Collective. Throws MpiError.
void warnOfNarrowBinding(MPI_Comm communicator);

}  // namespace procession::detail
