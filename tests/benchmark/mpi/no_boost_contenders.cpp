#include "mpi/job.hpp"

// Where Boost.MPI is not there, or is one of another MPI library.

namespace procession::benchmarks {

std::vector<Contender> boostContenders() { return {}; }

}  // namespace procession::benchmarks
