#include <gmock/gmock.h>

#include "support/leak_guard.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  procession::test::LeakGuard::install();
  return RUN_ALL_TESTS();
}
