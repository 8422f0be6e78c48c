/// A small MPI program for the cluster tests: sums the same numbers on any number of ranks, and
/// without a launcher.
///
///     ranks              prints the sum, and on stderr how many ranks were on how many hosts
///     ranks --seconds N  goes on for N seconds, with all ranks in touch, after a line that says
///     that it began
///
/// Rank 0 alone prints.
#include <mpi.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Name = std::array<char, MPI_MAX_PROCESSOR_NAME>;

int rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

int ranks() {
  int ranks = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  return ranks;
}

std::int64_t sumOfSquares(std::int64_t count) {
  std::int64_t mine = 0;
  for (std::int64_t number = rank(); number < count; number += ranks()) {
    mine += number * number;
  }
  std::int64_t sum = 0;
  MPI_Allreduce(&mine, &sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

std::size_t hosts() {
  Name mine{};
  int length = 0;
  MPI_Get_processor_name(mine.data(), &length);
  std::vector<Name> all(static_cast<std::size_t>(ranks()));
  MPI_Gather(mine.data(), sizeof(Name), MPI_CHAR, all.data(), sizeof(Name), MPI_CHAR, 0,
             MPI_COMM_WORLD);
  std::set<std::string> different;
  for (const Name& name : all) {
    different.insert(name.data());
  }
  return different.size();
}

// Rank 0 tells the others whether to go on: clocks differ.
bool goesOn(std::chrono::steady_clock::time_point end) {
  int more = std::chrono::steady_clock::now() < end ? 1 : 0;
  MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
  return more != 0;
}

void run(std::chrono::seconds duration) {
  const std::size_t hostCount = hosts();
  if (rank() == 0) {
    std::cerr << ranks() << " ranks on " << hostCount << " hosts" << std::endl;
  }
  const auto end = std::chrono::steady_clock::now() + duration;
  std::int64_t sum = sumOfSquares(1000);
  while (goesOn(end)) {
    sum = sumOfSquares(1000);
  }
  if (rank() == 0) {
    std::cout << "the sum of the squares below 1000 is " << sum << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const bool lasts = argc == 3 && std::string_view(argv[1]) == "--seconds";
  run(std::chrono::seconds(lasts ? std::atoi(argv[2]) : 0));
  MPI_Finalize();
  return 0;
}
