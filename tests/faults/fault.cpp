#include "faults/fault.hpp"

#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <limits>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "faults/board_scribble.hpp"
#include "faults/outsider.hpp"
#include "support/crash.hpp"

namespace procession::test {

/// Named, so that the type's name that travels can be looked at.
class Uncopyable : public std::runtime_error {
 public:
  explicit Uncopyable(const std::string& message) : std::runtime_error(message) {}
  Uncopyable(const Uncopyable& other) : std::runtime_error(other) {
    throw std::domain_error("a copy that failed");
  }
  Uncopyable& operator=(const Uncopyable&) = delete;
};

namespace {

using std::chrono::milliseconds;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

constexpr int kExitCode = 3;
constexpr int kQuietExitCode = 0;
constexpr std::size_t kLongMessage = std::size_t{1} << 20;

constexpr std::array<FaultFacts, kFaults> kFacts = {{
    {"None", Ending::Value},
    {"KillsItself", Ending::Loss, SIGKILL},
    {"IsKilledFromOutside", Ending::Loss, SIGKILL},
    {"Segfaults", Ending::Loss, SIGSEGV},
    {"Aborts", Ending::Loss, SIGABRT},
    {"Exits", Ending::Loss, 0, kExitCode},
    {"ExitsAtOnce", Ending::Loss, 0, kQuietExitCode},
    {"OverflowsStack", Ending::Loss, SIGSEGV, 0, "", true},
    {"ThrowsInThread", Ending::Loss, SIGABRT},
    {"ClosesEverything", Ending::Loss, 0, 1},
    {"Throws", Ending::Throws, 0, 0, "std::out_of_range"},
    {"ThrowsNumber", Ending::Throws, 0, 0, "int"},
    {"ThrowsNested", Ending::Throws, 0, 0, "std::_Nested_exception<std::runtime_error>"},
    {"ThrowsLongMessage", Ending::Throws, 0, 0, "std::runtime_error"},
    {"ThrowsBrokenText", Ending::Throws, 0, 0, "std::runtime_error"},
    {"ThrowsWhatCannotBeCopied", Ending::Throws, 0, 0, "procession::test::Uncopyable"},
    {"ThrowsFailedCopy", Ending::Throws, 0, 0, "std::domain_error"},
    {"AsksForTooMuchMemory", Ending::Throws, 0, 0, "std::bad_alloc", true},
    {"ReachesAddressLimit", Ending::Throws, 0, 0, "std::bad_alloc", true},
    {"Hangs", Ending::Timeout},
    {"HangsDeafToTerminate", Ending::Timeout},
    {"HangsDeafToAll", Ending::Timeout},
    {"IsStoppedForAWhile", Ending::Value},
    {"ForksChildThatExits", Ending::Value},
    {"ForksChildThatStays", Ending::Value},
    {"ForksChildThatReturns", Ending::Value},
    {"StartsThreads", Ending::Value},
    {"BlocksSignals", Ending::Value},
    {"IgnoresTerminate", Ending::Value},
    {"IsInterruptedAllTheTime", Ending::Value},
    {"ScribblesOverBoard", Ending::ValueOrLoss},
}};

void nap(milliseconds time) { std::this_thread::sleep_for(time); }

[[noreturn]] void pauseForEver() {
  while (true) {
    pause();
  }
}

void blockAllSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

[[gnu::noinline]] int useUpStack(int depth, volatile char* above) {
  volatile char frame[4096];
  frame[0] = above == nullptr ? '0' : *above;
  return depth == 0 ? frame[0] : useUpStack(depth - 1, frame) + frame[0];
}

[[noreturn]] void throwNested(const std::string& message) {
  try {
    throw std::invalid_argument("inner");
  } catch (...) {
    std::throw_with_nested(std::runtime_error(message));
  }
}

[[noreturn]] void throwFailedCopy() {
  const Uncopyable original("not seen");
  throw original;  // NOLINT: the copy is the point
}

void askForTooMuchMemory() {
  volatile std::size_t most = std::numeric_limits<std::size_t>::max() / 4;
  const std::vector<char> memory(most);
}

void reachAddressLimit() {
  const AddressLimit limit(std::size_t{1} << 29);
  std::vector<std::unique_ptr<char[]>> hoard;
  hoard.reserve(64);
  while (true) {
    hoard.emplace_back(new char[std::size_t{64} << 20]);  // not touched, which would take long
  }
}

/// Returns in the child as well; what comes then is the framework's to prevent.
void forkChildThatReturns() { static_cast<void>(fork()); }

void forkChildThatExits() {
  const pid_t child = fork();
  if (child == 0) {
    std::exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) {
    throw std::logic_error("the child did not exit as it was told to");
  }
}

void forkChildThatStays() {
  if (fork() == 0) {
    nap(milliseconds(20));
    _exit(0);
  }
}

void startThreads() {
  for (int i = 0; i < 3; ++i) {
    std::thread([] { nap(milliseconds(5)); }).detach();
  }
}

void throwInThread() {
  std::thread([] { throw std::runtime_error("in a thread, where nobody catches"); }).join();
}

/// All system calls of the worker fail with EINTR now and then, from here on.
void beInterruptedAllTheTime() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  const itimerval often{{0, 500}, {0, 500}};
  setitimer(ITIMER_REAL, &often, nullptr);
}

void happen(Book& book, const FaultyItem& item) {
  switch (item.fault) {
    case Fault::None:
      return;
    case Fault::KillsItself:
      raise(SIGKILL);
      return;
    case Fault::IsKilledFromOutside:
      Outsider::ask(book.folder(), Outsider::Deed::Kill);
      pauseForEver();
    case Fault::Segfaults:
      writeThroughNull();
      return;
    case Fault::Aborts:
      std::abort();
    case Fault::Exits:
      std::exit(kExitCode);
    case Fault::ExitsAtOnce:
      _exit(kQuietExitCode);
    case Fault::OverflowsStack:
      static_cast<void>(useUpStack(1'000'000'000, nullptr));
      return;
    case Fault::ThrowsInThread:
      throwInThread();
      return;
    case Fault::ClosesEverything:
      syscall(SYS_close_range, 0u, ~0u, 0u);
      return;
    case Fault::Throws:
      throw std::out_of_range(messageOf(item));
    case Fault::ThrowsNumber:
      throw 42;
    case Fault::ThrowsNested:
      throwNested(messageOf(item));
    case Fault::ThrowsLongMessage:
    case Fault::ThrowsBrokenText:
      throw std::runtime_error(messageOf(item));
    case Fault::ThrowsWhatCannotBeCopied:
      throw Uncopyable(messageOf(item));
    case Fault::ThrowsFailedCopy:
      throwFailedCopy();
    case Fault::AsksForTooMuchMemory:
      askForTooMuchMemory();
      return;
    case Fault::ReachesAddressLimit:
      reachAddressLimit();
      return;
    case Fault::Hangs:
      pauseForEver();
    case Fault::HangsDeafToTerminate:
      std::signal(SIGTERM, SIG_IGN);
      pauseForEver();
    case Fault::HangsDeafToAll:
      blockAllSignals();
      pauseForEver();
    case Fault::IsStoppedForAWhile:
      Outsider::ask(book.folder(), Outsider::Deed::StopForAWhile);
      nap(milliseconds(2));
      return;
    case Fault::ForksChildThatExits:
      forkChildThatExits();
      return;
    case Fault::ForksChildThatStays:
      forkChildThatStays();
      return;
    case Fault::ForksChildThatReturns:
      forkChildThatReturns();
      return;
    case Fault::StartsThreads:
      startThreads();
      return;
    case Fault::BlocksSignals:
      blockAllSignals();
      return;
    case Fault::IgnoresTerminate:
      std::signal(SIGTERM, SIG_IGN);
      return;
    case Fault::IsInterruptedAllTheTime:
      beInterruptedAllTheTime();
      return;
    case Fault::ScribblesOverBoard:
      scribbleOverBoard(item.id);
      return;
  }
}

}  // namespace

const FaultFacts& factsOf(Fault fault) { return kFacts.at(static_cast<std::size_t>(fault)); }

const std::vector<Fault>& possibleFaults() {
  static const std::vector<Fault> faults = [] {
    std::vector<Fault> possible;
    possible.reserve(kFaults);
    for (std::size_t i = 1; i < kFaults; ++i) {
      if (!(kIsSanitized && kFacts.at(i).takesMemory)) {
        possible.push_back(static_cast<Fault>(i));
      }
    }
    return possible;
  }();
  return faults;
}

milliseconds timeToHang() { return milliseconds(kIsSanitized ? 3000 : 600); }

void befall(Book& book, const FaultyItem& item) {
  if (book.noteCall(item.id) < item.failures && item.fault != Fault::None) {
    ++book.tally().faults.at(static_cast<std::size_t>(item.fault));
    happen(book, item);
  }
}

std::string messageOf(const FaultyItem& item) {
  const std::string text = "line " + std::to_string(item.id);
  switch (item.fault) {
    case Fault::Throws:
    case Fault::ThrowsNested:
    case Fault::ThrowsWhatCannotBeCopied:
      return text;
    case Fault::ThrowsLongMessage:
      return text + std::string(kLongMessage, 'x');
    case Fault::ThrowsBrokenText:
      return text + " \xff\xc0\x80\xed\xa0\x80\xf8 \xe2\x82";
    case Fault::ThrowsFailedCopy:
      return "a copy that failed";
    default:
      return "";
  }
}

}  // namespace procession::test
