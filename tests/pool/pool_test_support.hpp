#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/scratch_folder.hpp"
#include "system/file_descriptor.hpp"

namespace procession::test {

inline std::vector<int> randomNumbers(std::size_t count, unsigned seed = 4711) {
  std::mt19937 random(seed);
  std::vector<int> numbers(count);
  for (int& number : numbers) {
    number = static_cast<int>(random() % 2'000'001) - 1'000'000;
  }
  return numbers;
}

inline std::vector<int> numbersUpTo(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

/// Calls `action`, which must throw an `Exception`, and returns that.
template <class Exception, class Action>
Exception thrownBy(Action action) {
  try {
    action();
  } catch (const Exception& exception) {
    return exception;
  }
  throw std::runtime_error("nothing was thrown");
}

/// A file to which callbacks in other processes append lines.
class SharedFile {
 public:
  SharedFile() : path_((folder_.path() / "lines").string()) {}
  [[nodiscard]] const std::string& path() const { return path_; }

  static void append(const std::string& path, const std::string& line) {
    const detail::FileDescriptor file(
        open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    detail::writeAll(file.get(), (line + "\n").data(), line.size() + 1);
  }
  static std::vector<std::string> linesOf(const std::string& path) {
    std::ifstream file(path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
      lines.push_back(line);
    }
    return lines;
  }
  [[nodiscard]] std::vector<std::string> lines() const { return linesOf(path_); }

 private:
  ScratchFolder folder_;
  std::string path_;
};

/// Where callbacks wait for each other, or for the test: two named pipes.
class Gate {
 public:
  Gate() {
    makePipe(arrivals());
    makePipe(passes());
    arrivals_.reset(openPipe(arrivals()));
    passes_.reset(openPipe(passes()));
  }

  /// Waits until so many callbacks have come; they said who they are.
  std::vector<pid_t> awaitArrivals(std::size_t count) {
    std::vector<pid_t> pids(count);
    for (pid_t& pid : pids) {
      if (read(arrivals_.get(), &pid, sizeof pid) != sizeof pid) {
        throw std::runtime_error("the gate is broken");
      }
    }
    return pids;
  }
  void letPass(std::size_t count) {
    const std::string passes(count, '.');
    detail::writeAll(passes_.get(), passes.data(), passes.size());
  }

  [[nodiscard]] std::string path() const { return folder_.path().string(); }

  /// In the callback.
  static void arrive(const std::string& path) {
    const pid_t self = getpid();
    const detail::FileDescriptor arrivals(openPipe(path + "/arrivals"));
    detail::writeAll(arrivals.get(), &self, sizeof self);
  }
  static void pass(const std::string& path) {
    arrive(path);
    const detail::FileDescriptor passes(openPipe(path + "/passes"));
    char token = 0;
    while (read(passes.get(), &token, 1) < 0) {
    }
  }

 private:
  [[nodiscard]] std::string arrivals() const { return path() + "/arrivals"; }
  [[nodiscard]] std::string passes() const { return path() + "/passes"; }
  static void makePipe(const std::string& name) {
    if (mkfifo(name.c_str(), 0600) != 0) {
      throw std::runtime_error("cannot make a pipe " + name);
    }
  }
  /// For both directions, so that opening waits for nobody.
  static int openPipe(const std::string& name) { return open(name.c_str(), O_RDWR | O_CLOEXEC); }

  ScratchFolder folder_;
  detail::FileDescriptor arrivals_;
  detail::FileDescriptor passes_;
};

}  // namespace procession::test
