#include "faults/rounds.hpp"

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <sstream>
#include <thread>

#include "faults/round.hpp"
#include "support/begun_thread.hpp"
#include "support/leak_guard.hpp"

namespace procession::test {

namespace {

using Clock = std::chrono::steady_clock;

// A sanitizer on a busy machine takes its time.
constexpr std::chrono::seconds kForEver{120};

/// Ends the program when a round hangs; nothing else would tell which one it was.
class Watchdog {
 public:
  Watchdog() : thread_(begunThread([this] { watch(); })) {}
  ~Watchdog() {
    {
      const std::lock_guard lock(mutex_);
      isOver_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void begin(std::function<std::string()> describe) {
    const std::lock_guard lock(mutex_);
    describe_ = std::move(describe);
    since_ = Clock::now();
  }

 private:
  void watch() {
    std::unique_lock lock(mutex_);
    while (!isOver_) {
      changed_.wait_for(lock, std::chrono::seconds(1));
      if (!isOver_ && describe_ && Clock::now() - since_ > kForEver) {
        std::fprintf(stderr, "a round hangs: %s\n", describe_().c_str());
        std::abort();
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool isOver_ = false;
  std::function<std::string()> describe_;
  Clock::time_point since_;
  std::thread thread_;
};

std::uint64_t numberFrom(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string compareHoldings(const Holdings& before) {
  std::string left;
  for (const pid_t pid : LeakGuard::reapOrphans()) {
    left += "process " + std::to_string(pid) + " still runs; ";
  }
  return left + LeakGuard::compare(before, Holdings::take(), {});
}

}  // namespace

RoundsOptions RoundsOptions::fromEnvironment(std::chrono::milliseconds time) {
  RoundsOptions options;
  options.time = time;
  if (const std::uint64_t seconds = numberFrom("FAULTS_SECONDS", 0); seconds != 0) {
    options.time = std::chrono::seconds(seconds);
  }
  options.seed = numberFrom("FAULTS_SEED", options.seed);
  options.first = numberFrom("FAULTS_ROUND", 0);
  options.isOne = std::getenv("FAULTS_ROUND") != nullptr;
  return options;
}

RoundsOptions RoundsOptions::partFromEnvironment(std::chrono::milliseconds time) {
  RoundsOptions options = fromEnvironment(20 * time);
  options.time /= 20;
  return options;
}

std::string runRounds(Book& book, const RoundsOptions& options) {
  const auto end = Clock::now() + options.time;
  const Holdings before = Holdings::take();
  const auto tell = [&](std::uint64_t number, const std::string& what) {
    std::ostringstream text;
    text << "round " << number << " (FAULTS_SEED=" << options.seed << " FAULTS_ROUND=" << number
         << "): " << what;
    return text.str();
  };
  std::string problem;
  {
    Watchdog watchdog;
    for (std::uint64_t number = options.first; problem.empty(); ++number) {
      const std::uint64_t seed = options.seed + number * 0x9E37'79B9'7F4A'7C15;
      Round round(book, seed, options.mayBeRefused);
      watchdog.begin([&round, &tell, number] { return tell(number, round.getStage()); });
      if (options.worsen) {
        Dice dice(~seed);
        options.worsen(dice);
      }
      try {
        problem = round.run();
      } catch (const std::exception& error) {
        problem = round.getStage() + "\n    " + error.what();
      }
      if (options.restore) {
        options.restore();
      }
      if (problem.empty()) {
        problem = compareHoldings(before);
      }
      watchdog.begin(nullptr);
      ++book.tally().rounds;
      if (!problem.empty()) {
        return tell(number, problem);
      }
      if (options.isOne || Clock::now() >= end) {
        return "";
      }
    }
  }
  return "";
}

}  // namespace procession::test
