#pragma once

#include <latch>
#include <memory>
#include <thread>
#include <utility>

namespace procession::test {

/// A thread that has begun `work` when this returns, for tests that fork in the meantime: a thread
/// that is being made allocates, and the address sanitizer's allocator (GCC 12) stays locked in a
/// child that is forked just then.
template <class Thread = std::thread, class Work>
Thread begunThread(Work work) {
  const auto begun = std::make_shared<std::latch>(1);
  Thread thread([begun, work = std::move(work)] {
    begun->count_down();
    work();
  });
  begun->wait();
  return thread;
}

}  // namespace procession::test
