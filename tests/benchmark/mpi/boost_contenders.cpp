#undef OMPI_SKIP_MPICXX  // Boost.MPI defines it by itself
#include <algorithm>
#include <boost/mpi/collectives.hpp>
#include <boost/mpi/communicator.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mpi/job.hpp"
#include "square_input.hpp"
#include "string_input.hpp"

// Boost.MPI, in rows of which the values have to travel.

namespace procession::benchmarks {

namespace {

void runMap(const Job& job) {
  const boost::mpi::communicator world;
  const std::size_t count = job.tiny ? 100'000 : 10'000'000;
  const SquareInput input = job.rank == 0 ? makeSquareInput(count) : SquareInput{};
  const std::vector<int> counts = allShares(job, count).counts;
  const int mine = counts[static_cast<std::size_t>(job.rank)];
  std::vector<double> local(static_cast<std::size_t>(mine));
  const auto work = [&] {
    std::vector<double> results;
    if (job.rank == 0) {
      boost::mpi::scatterv(world, input.items, counts, local.data(), 0);
    } else {
      boost::mpi::scatterv(world, local.data(), mine, 0);
    }
    for (double& x : local) {
      x *= x;
    }
    if (job.rank == 0) {
      results.resize(count);
      boost::mpi::gatherv(world, local.data(), mine, results.data(), counts, 0);
    } else {
      boost::mpi::gatherv(world, local.data(), mine, 0);
    }
    return results;
  };
  measure(job, work, [&](const std::vector<double>& squares) { return squares == input.squares; });
}

StringInput makeStrings(const Job& job) {
  return job.rank == 0 ? makeStringInput(job.tiny ? 5'000 : 200'000) : StringInput{};
}

void reverseEach(std::span<const std::string> from, std::span<std::string> to) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i].assign(from[i].rbegin(), from[i].rend());
  }
}

/// The collective calls: a vector of strings a rank.
void runStringsCollectively(const Job& job) {
  const boost::mpi::communicator world;
  const StringInput input = makeStrings(job);
  const auto work = [&] {
    std::vector<std::vector<std::string>> parts;
    if (job.rank == 0) {
      for (int rank = 0; rank < job.ranks; ++rank) {
        const Share share = shareOf(job, input.strings.size(), rank);
        const auto first = input.strings.begin() + static_cast<std::ptrdiff_t>(share.first);
        parts.emplace_back(first, first + static_cast<std::ptrdiff_t>(share.count));
      }
    }
    std::vector<std::string> local;
    boost::mpi::scatter(world, parts, local, 0);
    for (std::string& text : local) {
      text.assign(text.rbegin(), text.rend());
    }
    parts.clear();
    boost::mpi::gather(world, local, parts, 0);
    std::vector<std::string> results;
    results.reserve(input.strings.size());
    for (std::vector<std::string>& part : parts) {
      std::move(part.begin(), part.end(), std::back_inserter(results));
    }
    return results;
  };
  measure(job, work,
          [&](const std::vector<std::string>& reversed) { return reversed == input.reversed; });
}

/// Sent from where they are and received where they belong, rank 0 doing its own share meanwhile.
void runStringsInPlace(const Job& job) {
  const boost::mpi::communicator world;
  const StringInput input = makeStrings(job);
  const std::size_t count = job.tiny ? 5'000 : 200'000;
  const Share share = shareOf(job, count, job.rank);
  const auto intOf = [](std::size_t number) { return static_cast<int>(number); };
  const auto work = [&] {
    std::vector<std::string> results(job.rank == 0 ? count : share.count);
    if (job.rank == 0) {
      for (int rank = 1; rank < job.ranks; ++rank) {
        const Share theirs = shareOf(job, count, rank);
        world.send(rank, 0, input.strings.data() + theirs.first, intOf(theirs.count));
      }
      reverseEach(std::span(input.strings).subspan(share.first, share.count),
                  std::span(results).subspan(share.first, share.count));
      for (int rank = 1; rank < job.ranks; ++rank) {
        const Share theirs = shareOf(job, count, rank);
        world.recv(rank, 0, results.data() + theirs.first, intOf(theirs.count));
      }
    } else {
      std::vector<std::string> local(share.count);
      world.recv(0, 0, local.data(), intOf(share.count));
      reverseEach(local, results);
      world.send(0, 0, results.data(), intOf(share.count));
    }
    return results;
  };
  measure(job, work,
          [&](const std::vector<std::string>& reversed) { return reversed == input.reversed; });
}

}  // namespace

std::vector<Contender> boostContenders() {
  return {{"map", "boost", runMap},
          {"strings", "boost", runStringsCollectively},
          {"strings", "boost_in_place", runStringsInPlace}};
}

}  // namespace procession::benchmarks
