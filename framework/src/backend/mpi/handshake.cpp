#include "backend/mpi/handshake.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "backend/mpi/mpi_call.hpp"
#include "system/host_name.hpp"

namespace procession::detail {

namespace {

// To be raised whenever anything changes that ranks tell each other, from gatherFacts() on.
constexpr std::uint32_t kMessages = 2;

constexpr std::array<char, 16> kMagic = {'p', 'r', 'o', 'c', 'e', 's', 's', 'i',
                                         'o', 'n', ' ', 'r', 'a', 'n', 'k', 's'};

/// Stays as it is for ever: programs of all versions have to agree on this, and on its being
/// exchanged by one MPI_Allgather before anything else.
struct Hello {
  std::array<char, 16> magic = kMagic;
  std::uint32_t messages = kMessages;
  std::uint32_t unused = 0;
  std::array<char, 104> host{};  // ends with a zero
};
static_assert(sizeof(Hello) == 128);

std::string describe(const Hello& hello) {
  if (hello.magic != kMagic) {
    return "another program";
  }
  return "version " + std::to_string(hello.messages) + " of them on host " +
         std::string(hello.host.data(), strnlen(hello.host.data(), hello.host.size()));
}

}  // namespace

void requireSameMessages(MPI_Comm communicator) {
  Hello own;
  hostName().copy(own.host.data(), own.host.size() - 1);
  int size = 1;
  MPI_Comm_size(communicator, &size);
  std::vector<Hello> all(static_cast<std::size_t>(size));
  checked(MPI_Allgather(&own, sizeof own, MPI_BYTE, all.data(), sizeof own, MPI_BYTE, communicator),
          "greeting the other ranks");
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank].magic != all[0].magic || all[rank].messages != all[0].messages) {
      throw MpiError("the ranks understand different messages: rank 0 " + describe(all[0]) +
                     ", rank " + std::to_string(rank) + " " + describe(all[rank]) +
                     "; start the same build of the program on every host");
    }
  }
}

}  // namespace procession::detail
