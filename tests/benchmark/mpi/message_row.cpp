#include <sched.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <memory>
#include <vector>

#include "backend/ranks.hpp"
#include "mpi/job.hpp"

// What a message costs the rank that sends or receives it: the part of the parent's costs in
// tests/simulation that is MPI's. Prints processor time, and is no line of the table.

namespace procession::benchmarks {

namespace {

using detail::Ranks;

double threadSeconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void sendAll(Ranks& ranks, int to, int messages, std::size_t bytes) {
  const auto payload = std::make_shared<detail::HeapPayload>();
  std::memset(payload->claim(bytes), 1, bytes);
  const std::size_t most = 64 * (sizeof(detail::RankHeader) + bytes);  // under way at once
  for (int i = 0; i < messages; ++i) {
    ranks.send(to, {}, payload);
    while (ranks.unsentBytes() > most) {
      static_cast<void>(ranks.receive());  // which finds sends finished
      sched_yield();
    }
  }
  while (ranks.unsentBytes() > 0) {
    static_cast<void>(ranks.receive());
    sched_yield();
  }
}

void receiveAll(Ranks& ranks, int messages) {
  for (int received = 0; received < messages;) {
    if (ranks.receive()) {
      ++received;
    } else {
      sched_yield();
    }
  }
}

/// Rank 0 sends to rank 1 and then gets as many from it, each with the other rank at work at the
/// same time, on its own core.
void printCosts(Ranks& ranks, int messages, std::size_t bytes) {
  // A message in return for the last one keeps the two directions apart.
  if (ranks.rank() != 0) {
    receiveAll(ranks, messages);
    sendAll(ranks, 0, 1, 0);
    receiveAll(ranks, 1);
    sendAll(ranks, 0, messages, bytes);
    return;
  }
  const double start = threadSeconds();
  sendAll(ranks, 1, messages, bytes);
  const double sent = threadSeconds();
  receiveAll(ranks, 1);
  sendAll(ranks, 1, 1, 0);
  const double begin = threadSeconds();
  receiveAll(ranks, messages);
  const double received = threadSeconds();
  std::cout << std::setw(10) << bytes << std::fixed << std::setprecision(2) << std::setw(12)
            << (sent - start) * 1e6 / messages << std::setw(12)
            << (received - begin) * 1e6 / messages << std::endl;
}

void run(const Job& job) {
  detail::startRanks();
  Ranks& ranks = *detail::activeRanks();
  ranks.meet();
  if (ranks.rank() == 0) {
    std::cout << "     bytes    us to send  us to receive\n";
  }
  for (const std::size_t bytes : {0, 1 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20}) {
    const std::size_t most = job.tiny ? 10 : 20'000;
    const std::size_t messages = std::min(most, (std::size_t{1} << 30) / (bytes + 1));
    if (ranks.rank() < 2) {
      printCosts(ranks, static_cast<int>(messages), bytes);
    }
  }
  detail::leaveRanks();
}

}  // namespace

std::vector<Contender> messageContenders() {
  return {{.row = "message", .name = "ranks", .run = run, .startsMpi = true}};
}

}  // namespace procession::benchmarks
