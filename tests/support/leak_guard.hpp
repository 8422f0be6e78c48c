#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace procession::test {

/// What a process holds that could be left behind.
struct Holdings {
  std::map<int, std::string> descriptors;     // number and what it refers to
  std::map<pid_t, std::string> children;      // pid and "name (state)", zombies too
  std::map<std::string, int> sharedMappings;  // what is mapped, and how often
  std::set<std::string> sharedObjects;        // files in `shared` that are Procession's

  static Holdings take(const std::filesystem::path& shared = "/dev/shm");
};

/// Fails every test after which the process holds more, or less, than before it: open descriptors,
/// children, shared memory. The process is made a subreaper, so that orphaned grandchildren count
/// as children.
///
/// The support main installs it; suites need not know of it, but for these:
///
///     LeakGuard::allow(server.pid());  // may live on across tests
///     LeakGuard::rebase();  // what is held now was made for good; judge the test from here on
///     EXPECT_TRUE(LeakGuard::reapOrphans().empty());  // after killing a parent: its children end
class LeakGuard : public testing::EmptyTestEventListener {
 public:
  static void install();

  static void allow(pid_t child);
  static void rebase();
  /// Waits until every process that became a child since the test's start has ended, at most ten
  /// seconds, and reaps them. Returns those that still run.
  static std::vector<pid_t> reapOrphans();

  /// One line for each difference; empty when there is none.
  static std::string compare(const Holdings& before, const Holdings& after,
                             const std::set<pid_t>& allowed);

  void OnTestStart(const testing::TestInfo& test) override;
  void OnTestEnd(const testing::TestInfo& test) override;
};

}  // namespace procession::test
