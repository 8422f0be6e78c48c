#include "support/leak_guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "support/process_stat.hpp"

namespace procession::test {
namespace {

Holdings heldAtStart;
std::set<pid_t> allowedChildren;

std::map<int, std::string> listDescriptors() {
  const std::string folder = "/proc/self/fd";
  std::map<int, std::string> found;
  for (const int number : numbersIn(folder)) {
    found.emplace(number, std::string());
  }
  for (auto entry = found.begin(); entry != found.end();) {
    std::error_code gone;
    auto target = std::filesystem::read_symlink(folder + "/" + std::to_string(entry->first), gone);
    if (gone) {  // the descriptor that the listing itself needed
      entry = found.erase(entry);
    } else {
      entry->second = target.string();
      ++entry;
    }
  }
  return found;
}

std::map<pid_t, std::string> listChildren() {
  std::map<pid_t, std::string> found;
  for (const pid_t pid : childrenOf(getpid())) {
    if (const auto stat = statOf(pid)) {
      found.emplace(pid, stat->name + " (" + stat->state + ")");
    }
  }
  return found;
}

std::map<std::string, int> listSharedMappings() {
  std::map<std::string, int> found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::string range;
    std::string access;
    std::string offset;
    std::string device;
    std::string inode;
    std::string name;
    fields >> range >> access >> offset >> device >> inode;
    std::getline(fields >> std::ws, name);
    if (access.size() == 4 && access[3] == 's') {
      ++found[name + " inode " + inode];
    }
  }
  return found;
}

// Other programs use /dev/shm at the same time, so only names that are ours count.
std::set<std::string> listSharedObjects(const std::filesystem::path& folder) {
  std::set<std::string> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.path().filename().string().find("procession") != std::string::npos) {
      found.insert(entry.path());
    }
  }
  return found;
}

// A leak shall be reported once, not again by every test that follows.
void endLeftovers(const std::map<pid_t, std::string>& children) {
  for (const auto& [pid, name] : children) {
    if (!heldAtStart.children.contains(pid) && !allowedChildren.contains(pid)) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }
}

}  // namespace

Holdings Holdings::take(const std::filesystem::path& shared) {
  return {listDescriptors(), listChildren(), listSharedMappings(), listSharedObjects(shared)};
}

void LeakGuard::install() {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    throw std::system_error(errno, std::generic_category(), "PR_SET_CHILD_SUBREAPER");
  }
  testing::UnitTest::GetInstance()->listeners().Append(new LeakGuard);
}

void LeakGuard::allow(pid_t child) { allowedChildren.insert(child); }

void LeakGuard::rebase() { heldAtStart = Holdings::take(); }

std::vector<pid_t> LeakGuard::reapOrphans() {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::vector<pid_t> running;
  for (const auto& [pid, name] : listChildren()) {
    if (heldAtStart.children.contains(pid) || allowedChildren.contains(pid)) {
      continue;
    }
    int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    pollfd ended{handle, POLLIN, 0};
    int result = 0;
    do {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          limit - std::chrono::steady_clock::now());
      result = poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    } while (result < 0 && errno == EINTR);
    close(handle);
    if (waitpid(pid, nullptr, WNOHANG) != pid) {
      running.push_back(pid);
    }
  }
  return running;
}

std::string LeakGuard::compare(const Holdings& before, const Holdings& after,
                               const std::set<pid_t>& allowed) {
  std::ostringstream differences;
  for (const auto& [number, target] : after.descriptors) {
    auto known = before.descriptors.find(number);
    if (known == before.descriptors.end()) {
      differences << "descriptor left open: " << number << " -> " << target << '\n';
    } else if (known->second != target) {
      differences << "descriptor " << number << " was " << known->second << " and is now " << target
                  << '\n';
    }
  }
  for (const auto& [number, target] : before.descriptors) {
    if (!after.descriptors.contains(number)) {
      differences << "descriptor closed that was not the test's: " << number << " -> " << target
                  << '\n';
    }
  }
  for (const auto& [pid, name] : after.children) {
    if (!before.children.contains(pid) && !allowed.contains(pid)) {
      differences << "child left: " << pid << ' ' << name << '\n';
    }
  }
  for (const auto& [name, count] : after.sharedMappings) {
    auto known = before.sharedMappings.find(name);
    if (known == before.sharedMappings.end() || known->second < count) {
      differences << "shared memory left mapped: " << name << '\n';
    }
  }
  for (const auto& name : after.sharedObjects) {
    if (!before.sharedObjects.contains(name)) {
      differences << "shared-memory object left: " << name << '\n';
    }
  }
  return differences.str();
}

void LeakGuard::OnTestStart(const testing::TestInfo&) { heldAtStart = Holdings::take(); }

void LeakGuard::OnTestEnd(const testing::TestInfo&) {
  Holdings after = Holdings::take();
  std::string differences = compare(heldAtStart, after, allowedChildren);
  if (!differences.empty()) {
    ADD_FAILURE() << "the test left the process in another state than it found it in:\n"
                  << differences;
  }
  endLeftovers(after.children);
}

}  // namespace procession::test
