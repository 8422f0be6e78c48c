// Tasks that would never end are started, watched and ended.

#include <unistd.h>

#include <iostream>

#include <procession/procession.hpp>

using namespace procession;

namespace {

int waitForEver() {
  for (;;) {
    pause();
  }
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    // [readme:cleanup]
    ProcessManager manager;
    auto first = manager.add(waitForEver);
    auto second = manager.add(waitForEver);
    first->start();
    second->start();
    std::cout << manager.getRunningCount() << " running\n";

    manager.killAll();  // SIGTERM; killAll(SIGKILL) leaves no choice
    manager.wait();
    std::cout << manager.getRunningCount() << " running; " << first->getStatus().describe() << "\n";
    // [readme:end]

    // Whoever forgets is helped: the destructor ends and reaps what still runs.
    ProcessManager forgotten;
    forgotten.add(waitForEver)->start();
  });
}
