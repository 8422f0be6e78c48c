/// A rank of a program that was built with another version of Procession, whose messages mean
/// something else. Written without Procession: what ranks first tell each other must never change,
/// or programs of two versions would take each other's words for what they are not.
#include <mpi.h>

#include <cstdint>
#include <cstring>
#include <vector>

int main(int argc, char** argv) {
  struct Hello {
    char magic[16];
    std::uint32_t messages;
    std::uint32_t unused;
    char host[104];
  };
  Hello hello{};
  std::memcpy(hello.magic, "procession ranks", sizeof hello.magic);
  hello.messages = 999;
  std::strcpy(hello.host, "museum");

  MPI_Init(&argc, &argv);
  MPI_Comm job = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &job);
  int size = 1;
  MPI_Comm_size(job, &size);
  std::vector<Hello> all(static_cast<std::size_t>(size));
  MPI_Allgather(&hello, sizeof hello, MPI_BYTE, all.data(), sizeof hello, MPI_BYTE, job);
  // Nothing more is understood: the ranks leave, together.
  MPI_Request everyone = MPI_REQUEST_NULL;
  MPI_Ibarrier(job, &everyone);
  MPI_Wait(&everyone, MPI_STATUS_IGNORE);
  MPI_Comm_free(&job);
  MPI_Finalize();
  return 0;
}
