#include <gmock/gmock.h>

#include <csignal>

#include "procession/application.hpp"
#include "support/leak_guard.hpp"

int main(int argc, char** argv) {
  std::signal(SIGINT, SIG_DFL);  // ignored where a shell started all of this in the background
  testing::InitGoogleMock(&argc, argv);
  return procession::Application::run(argc, argv, [] {
    procession::test::LeakGuard::install();
    return RUN_ALL_TESTS();
  });
}
