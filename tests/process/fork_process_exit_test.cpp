#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <thread>

#include "procession/error.hpp"
#include "procession/fork_process.hpp"
#include "support/in_child.hpp"
#include "support/scratch_folder.hpp"

namespace procession {
namespace {

std::string contentOf(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator(file), {}};
}

template <class Callback>
int codeOf(Callback callback) {
  ForkProcess child(std::move(callback));
  child.start();
  return child.wait();
}

TEST(ForkProcessExitTest, TheCodeOfAnExitIsTold) {
  EXPECT_EQ(codeOf([] { std::exit(3); }), 3);
  EXPECT_EQ(codeOf([] { std::quick_exit(4); }), 4);
  EXPECT_EQ(codeOf([] { _exit(5); }), 5);
  EXPECT_EQ(codeOf([] { std::thread([] { std::exit(6); }).join(); }), 6);
}

TEST(ForkProcessExitTest, AnExitIsNoResult) {
  ForkProcess child([]() -> int { std::exit(0); });
  child.start();
  EXPECT_EQ(child.wait(), 0);
  try {
    child.getOutput();
    FAIL();
  } catch (const WorkerLost& error) {
    EXPECT_EQ(error.getExitCode(), 0);
  }
}

// The original flushed the parent's buffers once more in each child that left by exit.
TEST(ForkProcessExitTest, AnExitInAChildFlushesTheParentsBuffersOnce) {
  const auto end = test::inChild([] {
    std::printf("waits in the buffer of stdout\n");
    const int code = codeOf([] {
      std::printf("written by the child\n");
      std::exit(7);
    });
    std::printf("code %d\n", code);
    std::fflush(stdout);
    return 0;
  });
  EXPECT_EQ(end.output, "waits in the buffer of stdout\nwritten by the child\ncode 7\n");
}

TEST(ForkProcessExitTest, AnExitInAChildFlushesBufferedStreamsOnce) {
  const auto end = test::inChild([] {
    std::ios::sync_with_stdio(false);
    std::cout << "waits in the buffer of cout\n";
    codeOf([] {
      std::cout << "written by the child\n";
      std::exit(7);
    });
    std::cout.flush();
    return 0;
  });
  EXPECT_EQ(end.output, "waits in the buffer of cout\nwritten by the child\n");
}

TEST(ForkProcessExitTest, AnExitInAChildRunsNoneOfTheParentsHandlers) {
  const auto end = test::inChild([]() -> int {
    std::atexit([] { std::printf("handler of the parent\n"); });
    std::at_quick_exit([] { std::printf("quick handler of the parent\n"); });
    codeOf([] { std::exit(1); });
    codeOf([] { std::quick_exit(1); });
    std::exit(0);  // here they run
  });
  EXPECT_EQ(end.output, "handler of the parent\n");
}

TEST(ForkProcessExitTest, AnExitInAChildRunsTheHandlersOfTheCallback) {
  const auto end = test::inChild([] {
    codeOf([] {
      std::atexit([] { std::printf("handler of the callback\n"); });
      std::exit(1);
    });
    return 0;
  });
  EXPECT_EQ(end.output, "handler of the callback\n");
}

TEST(ForkProcessExitTest, AnExitInAChildDestroysNoStaticObjectOfTheParent) {
  const test::ScratchFolder folder;
  const auto path = folder.path() / "written";
  test::inChild([&]() -> int {
    static std::ofstream file(path);
    file << "waits in a buffer that no fork flushes\n";
    codeOf([] { std::exit(1); });
    codeOf([] {});
    std::exit(0);  // writes it
  });
  EXPECT_EQ(contentOf(path), "waits in a buffer that no fork flushes\n");
}

TEST(ForkProcessExitTest, WhatACallbackPrintsIsWrittenBeforeItsEnd) {
  const auto end = test::inChild([] {
    std::ios::sync_with_stdio(false);
    codeOf([] { std::printf("by printf "); });
    codeOf([] { std::cout << "by cout "; });
    codeOf([] {
      std::printf("before a throw");
      throw 1;
    });
    return 0;
  });
  EXPECT_EQ(end.output, "by printf by cout before a throw");
}

}  // namespace
}  // namespace procession
