#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

namespace procession::benchmarks {

/// The least that a map over processes can do: one message to each worker over a pipe and one back.
/// The workers square a fixed share of a fixed number of doubles; there is no length, no chunk and
/// no choice.
class MessageRound {
 public:
  MessageRound(int workers, std::size_t items);
  MessageRound(const MessageRound&) = delete;
  MessageRound& operator=(const MessageRound&) = delete;
  ~MessageRound();

  std::vector<double> map(const std::vector<double>& items);

 private:
  struct Worker {
    pid_t pid = -1;
    int request = -1;
    int reply = -1;
    std::size_t first = 0;
    std::size_t count = 0;
  };

  static Worker start(std::size_t first, std::size_t count);

  std::vector<Worker> workers_;
};

/// Forks one child for each share of `items`, which squares it, sends it back and ends; waits for
/// all.
std::vector<double> mapInFreshForks(int workers, const std::vector<double>& items);

}  // namespace procession::benchmarks
