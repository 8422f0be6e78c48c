#include <gmock/gmock.h>

#include "procession/application.hpp"
#include "support/leak_guard.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  return procession::Application::run(argc, argv, [] {
    procession::test::LeakGuard::install();
    return RUN_ALL_TESTS();
  });
}
