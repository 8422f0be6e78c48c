// A handler of our own: SIGUSR1 stops the workers, and the program goes on. Here one of the tasks
// sends it; from outside it is `kill -USR1 <pid>`.

#include <signal.h>
#include <unistd.h>

#include <iostream>

#include <procession/procession.hpp>

using namespace procession;

namespace {

ProcessManager* stoppable = nullptr;

void stopWorkers(int) { stoppable->killAll(); }  // may be called from a handler

void workForEver() {
  for (;;) {
    pause();
  }
}

void askForStop(pid_t parent) {
  kill(parent, SIGUSR1);
  workForEver();
}

}  // namespace

int main(int argc, char** argv) {
  return Application::run(argc, argv, [] {
    ProcessManager manager;
    stoppable = &manager;
    struct sigaction action {};
    action.sa_handler = stopWorkers;
    sigaction(SIGUSR1, &action, nullptr);

    for (int i = 0; i < 3; ++i) {
      manager.add(workForEver);
    }
    manager.add(askForStop, getpid());

    int stopped = 0;
    for (const TaskOutcome& outcome : manager.run(4)) {
      stopped += outcome ? 0 : 1;
    }
    signal(SIGUSR1, SIG_DFL);
    std::cout << stopped << " tasks stopped, " << manager.getRunningCount() << " running\n";
  });
}
