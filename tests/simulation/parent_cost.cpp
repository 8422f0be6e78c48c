/// What a message costs the parent of a job, but for what MPI takes: the real one, from its pool
/// operation down to its backend, over ranks that are simulated.
///
///     parent_cost          prints a line for each number of ranks and size of a chunk
///     parent_cost --tiny   fewer messages: that it works, not what it takes
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "backend/agents_backend.hpp"
#include "pool/operation_loop.hpp"
#include "procession/detail/pool/operations.hpp"
#include "simulation/simulated_ranks.hpp"

namespace {

using procession::test::IdleLocalAgent;
using procession::test::SimulatedRanks;

/// Other processes' turns on this core do not count.
std::chrono::nanoseconds processorTime() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

struct Cost {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds time{};
};

Cost runOnce(int agents, std::size_t chunkBytes, std::size_t chunks) {
  const std::size_t chunkItems = chunkBytes / sizeof(double);
  std::vector<double> items(chunkItems * chunks);
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i] = static_cast<double>(i);
  }
  SimulatedRanks ranks(agents);
  procession::detail::MailRoom room(ranks, std::make_unique<IdleLocalAgent>());
  procession::detail::AgentsBackend backend(room, agents);
  const auto same = [](double x) { return x; };
  procession::detail::MapOperation<std::vector<double>, decltype(same)> operation(items, same, 0);
  procession::PoolOptions options;
  options.chunkSize = chunkItems;

  const auto before = ranks.traffic();
  const auto start = processorTime();
  procession::detail::OperationLoop(backend, operation, options).run();
  const auto took = processorTime() - start - ranks.ownTime();
  if (operation.takeResults() != items) {
    throw std::runtime_error("the results are wrong");
  }
  const auto traffic = ranks.traffic().since(before);
  return {traffic.messagesSent + traffic.messagesReceived,
          traffic.bytesSent + traffic.bytesReceived, took};
}

void measure(int agents, std::size_t chunkBytes, std::size_t chunks) {
  // The least of several: what disturbs makes it longer.
  Cost cost = runOnce(agents, chunkBytes, chunks);
  for (int i = 0; i < 4; ++i) {
    const Cost again = runOnce(agents, chunkBytes, chunks);
    cost = again.time < cost.time ? again : cost;
  }
  const auto nanoseconds = static_cast<double>(cost.time.count());
  std::cout << std::setw(8) << agents << std::setw(12) << chunkBytes << std::setw(12)
            << cost.messages << std::fixed << std::setprecision(2) << std::setw(16)
            << nanoseconds / 1e3 / static_cast<double>(cost.messages) << std::setprecision(3)
            << std::setw(16) << nanoseconds / static_cast<double>(cost.bytes) << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  const bool isTiny = argc == 2 && std::string_view(argv[1]) == "--tiny";
  if (argc > 1 && !isTiny) {
    std::cerr << "usage: parent_cost [--tiny]\n";
    return 2;
  }
  try {
    std::cout << "  agents chunk bytes    messages   us a message       ns a byte\n";
    for (const int agents : {2, 64, 1'000, 10'000}) {
      const std::size_t chunks = isTiny ? 100 : 100'000;
      measure(agents, 64, chunks);
      measure(agents, 4 << 10, chunks);
    }
    for (const std::size_t bytes : {64 << 10, 512 << 10, 4 << 20}) {
      measure(64, bytes, isTiny ? 4 : (std::size_t{256} << 20) / bytes);
    }
  } catch (const std::exception& error) {
    std::cerr << "parent_cost: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
