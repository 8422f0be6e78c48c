/// Shares a table with all workers: prints a sum over it, and whether the workers of each host have
/// the same memory; on stderr, on how many hosts it was read.
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <numeric>
#include <procession/procession.hpp>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using procession::Application;
using procession::bindFront;
using procession::nodeShared;
using procession::NodeSharedView;
using procession::Process;

namespace {

constexpr std::size_t kCount = std::size_t{4} << 20;

struct Reading {
  std::array<char, 64> host{};
  unsigned long inode = 0;  // of the memory
  double sum = 0;
};

unsigned long inodeAt(const void* address) {
  const auto wanted = reinterpret_cast<unsigned long>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    unsigned long inode = 0;
    char dash = 0;
    std::string skipped;
    std::istringstream fields(line);
    fields >> std::hex >> begin >> dash >> end >> skipped >> skipped >> skipped >> std::dec >>
        inode;
    if (wanted >= begin && wanted < end) {
      return inode;
    }
  }
  return 0;
}

Reading readPart(NodeSharedView<std::vector<double>> view, int part) {
  Reading reading;
  gethostname(reading.host.data(), reading.host.size() - 1);
  reading.inode = inodeAt(view->data());
  const std::size_t size = kCount / 64;
  const auto values = view->subspan(static_cast<std::size_t>(part) * size, size);
  reading.sum = std::accumulate(values.begin(), values.end(), 0.0);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // so that every rank gets some
  return reading;
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    std::vector<int> parts(64);
    std::iota(parts.begin(), parts.end(), 0);
    for (int round = 1; round <= 2; ++round) {
      const auto table = nodeShared<double>(kCount, [&](std::span<double> values) {
        std::iota(values.begin(), values.end(), round);
      });
      const auto readings =
          Process::map(parts, bindFront(readPart, table.view()), {.chunkSize = 1});
      double sum = 0;
      std::map<std::string, std::set<unsigned long>> memory;
      for (const Reading& reading : readings) {
        sum += reading.sum;
        memory[reading.host.data()].insert(reading.inode);
      }
      bool isOnce = true;
      for (const auto& [host, inodes] : memory) {
        isOnce = isOnce && inodes.size() == 1;
      }
      std::cout << "sum " << static_cast<long>(sum) << (isOnce ? ", once" : ", more than once")
                << " a host\n";
      std::cerr << "read on " << memory.size() << " hosts\n";
    }
  });
}
