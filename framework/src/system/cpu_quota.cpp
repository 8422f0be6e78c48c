#include "system/cpu_quota.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace procession::detail {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The kernel writes space, tab, newline and backslash of a mount's path as three octal digits.
std::string unescape(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

/// The control groups of a process, by hierarchy: the path in version 2's, and in version 1's with
/// CPU quotas.
struct Membership {
  std::optional<std::string> unified;
  std::optional<std::string> cpu;
};

// Lines of /proc/self/cgroup: "0::/path" is version 2, "4:cpu,cpuacct:/path" version 1. A path may
// hold colons.
Membership readMembership(const fs::path& file) {
  Membership membership;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) {
      membership.unified = line.substr(second + 1);
    } else if (contains(split(controllers, ','), "cpu")) {
      membership.cpu = line.substr(second + 1);
    }
  }
  return membership;
}

struct Mount {
  std::string root;   // the part of the hierarchy that is seen here
  std::string point;  // where it is seen
  std::string type;
  std::string options;
};

// Lines of /proc/self/mountinfo: "36 35 98:0 /root /point options [tags...] - type source
// superoptions".
std::vector<Mount> readMounts(const fs::path& file) {
  std::vector<Mount> mounts;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const std::vector<std::string> words = split(line, ' ');
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() >= 6 && words.end() - dash >= 4) {
      mounts.push_back({unescape(words[3]), unescape(words[4]), dash[1], dash[3]});
    }
  }
  return mounts;
}

// Version 2: "max 100000" or "150000 100000": microseconds of CPU time a period, in cpu.max.
std::optional<double> unifiedLimit(const fs::path& group) {
  std::ifstream stream(group / "cpu.max");
  double quota = 0;
  double period = 0;
  if (stream >> quota >> period && quota > 0 && period > 0) {
    return quota / period;
  }
  return std::nullopt;
}

// Version 1: the same in two files, -1 for no limit.
std::optional<double> legacyLimit(const fs::path& group) {
  std::ifstream quotaStream(group / "cpu.cfs_quota_us");
  std::ifstream periodStream(group / "cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (quotaStream >> quota && periodStream >> period && quota > 0 && period > 0) {
    return quota / period;
  }
  return std::nullopt;
}

// The group's path below the mount. In a container the group may lie outside of what is mounted
// ("/../other"); then the mount point is the closest group that can be seen.
fs::path pathBelowMount(const std::string& group, const std::string& mountRoot) {
  const fs::path relative = fs::path(group).lexically_relative(mountRoot);
  return relative.empty() || *relative.begin() == ".." ? fs::path() : relative;
}

template <class ReadLimit>
std::optional<double> tightestLimit(const fs::path& root, const Mount& mount,
                                    const std::string& group, ReadLimit read) {
  std::optional<double> tightest;
  const auto consider = [&](const fs::path& directory) {
    if (const auto limit = read(directory); limit && (!tightest || *limit < *tightest)) {
      tightest = limit;
    }
  };
  fs::path directory = root / fs::path(mount.point).relative_path();
  consider(directory);
  for (const fs::path& name : pathBelowMount(group, mount.root)) {
    directory /= name;
    consider(directory);
  }
  return tightest;
}

}  // namespace

std::optional<int> cpuQuota(const std::filesystem::path& root) {
  const Membership membership = readMembership(root / "proc/self/cgroup");
  std::optional<double> tightest;
  for (const Mount& mount : readMounts(root / "proc/self/mountinfo")) {
    std::optional<double> limit;
    if (mount.type == "cgroup2" && membership.unified) {
      limit = tightestLimit(root, mount, *membership.unified, unifiedLimit);
    } else if (mount.type == "cgroup" && membership.cpu &&
               contains(split(mount.options, ','), "cpu")) {
      limit = tightestLimit(root, mount, *membership.cpu, legacyLimit);
    }
    if (limit && (!tightest || *limit < *tightest)) {
      tightest = limit;
    }
  }
  if (!tightest) {
    return std::nullopt;
  }
  constexpr double kMost = 1 << 20;  // far above any machine, far below what an int holds
  return static_cast<int>(std::ceil(std::min(*tightest, kMost)));
}

}  // namespace procession::detail
