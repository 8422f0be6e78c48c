#include "backend/mpi/job_facts.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

#include "backend/mpi/mpi_call.hpp"
#include "procession/detail/wire/code_address.hpp"
#include "system/cores.hpp"
#include "system/host_name.hpp"

namespace procession::detail {

namespace {

// FNV-1a, 64 bits; http://www.isthe.com/chongo/tech/comp/fnv/
std::uint64_t hashOf(const void* bytes, std::size_t size) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (std::size_t i = 0; i < size; ++i) {
    hash = (hash ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3u;
  }
  return hash;
}

/// Ranks of a node with the same mask share its cores.
std::uint64_t affinityHash() {
  constexpr int kCpus = 8192;
  std::array<cpu_set_t, kCpus / CPU_SETSIZE> mask{};
  sched_getaffinity(0, sizeof mask, mask.data());
  return hashOf(mask.data(), sizeof mask);
}

/// What this rank's node makes of it: cores and leader.
RankFacts factsOfThisRank(MPI_Comm communicator) {
  MPI_Comm node = MPI_COMM_NULL;
  checked(MPI_Comm_split_type(communicator, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
          "finding the ranks of this node");
  struct Member {
    std::uint64_t mask = 0;
    std::int64_t rank = 0;  // in the job
  };
  int index = 0;
  int size = 1;
  int rank = 0;
  MPI_Comm_rank(node, &index);
  MPI_Comm_size(node, &size);
  MPI_Comm_rank(communicator, &rank);
  const Member own{affinityHash(), rank};
  std::vector<Member> members(static_cast<std::size_t>(size));
  const int code =
      MPI_Allgather(&own, sizeof own, MPI_BYTE, members.data(), sizeof own, MPI_BYTE, node);
  MPI_Comm_free(&node);
  checked(code, "comparing the ranks of this node");
  int leader = rank;
  int sharers = 0;
  int sharersBefore = 0;
  for (int i = 0; i < size; ++i) {
    const Member& member = members[static_cast<std::size_t>(i)];
    leader = std::min(leader, static_cast<int>(member.rank));
    if (member.mask == own.mask) {
      sharers += 1;
      sharersBefore += i < index ? 1 : 0;
    }
  }
  return {hostName(), leader, availableCores(sharers, sharersBefore)};
}

/// What has to be the same in all ranks, a line a thing.
std::vector<std::string> sharedLines() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::strncmp(*variable, "PROCESSION_", 11) == 0) {
      variables.emplace_back(*variable);
    }
  }
  std::sort(variables.begin(), variables.end());
  std::vector<std::string> lines = describeSegments();
  lines.insert(lines.end(), variables.begin(), variables.end());
  return lines;
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string broadcast(MPI_Comm communicator, int root, std::string text) {
  auto length = static_cast<int>(text.size());
  checked(MPI_Bcast(&length, 1, MPI_INT, root, communicator), "comparing the ranks");
  text.resize(static_cast<std::size_t>(length));
  checked(MPI_Bcast(text.data(), length, MPI_CHAR, root, communicator), "comparing the ranks");
  return text;
}

std::string firstDifference(const std::vector<std::string>& theirs,
                            const std::vector<std::string>& ours) {
  for (std::size_t i = 0; i < std::max(theirs.size(), ours.size()); ++i) {
    const std::string their = i < theirs.size() ? theirs[i] : "nothing of it";
    const std::string our = i < ours.size() ? ours[i] : "nothing of it";
    if (their != our) {
      return "there: " + their + "; here: " + our;
    }
  }
  return "";
}

}  // namespace

std::vector<RankFacts> gatherFacts(MPI_Comm communicator) {
  struct Packed {
    char host[256] = {};
    int leader = 0;
    int cores = 1;
  };
  const RankFacts ofThisRank = factsOfThisRank(communicator);
  Packed own;
  ofThisRank.host.copy(own.host, sizeof own.host - 1);
  own.leader = ofThisRank.leader;
  own.cores = ofThisRank.cores;
  int size = 1;
  MPI_Comm_size(communicator, &size);
  std::vector<Packed> all(static_cast<std::size_t>(size));
  checked(MPI_Allgather(&own, sizeof own, MPI_BYTE, all.data(), sizeof own, MPI_BYTE, communicator),
          "telling the ranks of each other");
  std::vector<RankFacts> facts;
  facts.reserve(all.size());
  for (const Packed& packed : all) {
    facts.push_back({packed.host, packed.leader, packed.cores});
  }
  return facts;
}

void requireSameProgram(MPI_Comm communicator, const std::vector<RankFacts>& facts) {
  int rank = 0;
  MPI_Comm_rank(communicator, &rank);
  const std::vector<std::string> ours = sharedLines();
  const std::vector<std::string> theirs = split(broadcast(communicator, 0, join(ours)));
  const std::string difference = firstDifference(theirs, ours);

  const int none = std::numeric_limits<int>::max();
  int first = difference.empty() ? none : rank;
  checked(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, communicator),
          "comparing the ranks");
  if (first == none) {
    return;
  }
  const std::string told = broadcast(communicator, first, difference);
  throw MpiError("the ranks do not run the same program in the same way: rank 0 on " +
                 facts.front().host + " and rank " + std::to_string(first) + " on " +
                 facts[static_cast<std::size_t>(first)].host + " differ (" + told +
                 "); start the same build with the same PROCESSION_ variables on every host");
}

}  // namespace procession::detail
