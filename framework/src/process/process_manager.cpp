#include "procession/process_manager.hpp"

#include <stdexcept>

#include "process/task_crew.hpp"

namespace procession {

ProcessManager& ProcessManager::operator=(ProcessManager&& other) noexcept {
  if (this != &other) {
    if (crew_) {
      crew_->close();
    }
    crew_ = std::move(other.crew_);
  }
  return *this;
}

ProcessManager::~ProcessManager() {
  if (crew_) {
    crew_->close();
  }
}

detail::TaskCrew& ProcessManager::crew() const {
  if (!crew_) {
    throw std::logic_error("this ProcessManager was moved from");
  }
  return *crew_;
}

std::vector<TaskOutcome> ProcessManager::run(int maxConcurrent) {
  return crew().run(maxConcurrent, nullptr);
}

void ProcessManager::wait() { crew().wait(); }

int ProcessManager::getRunningCount() const { return crew().getRunningCount(); }

void ProcessManager::killAll(int signal) {
  detail::requireSignal(signal);
  crew().killAll(signal);
}

}  // namespace procession
