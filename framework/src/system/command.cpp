#include "system/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "procession/error.hpp"
#include "procession/process_status.hpp"
#include "system/file_descriptor.hpp"

namespace procession::detail {

namespace {

using Clock = std::chrono::steady_clock;

/// C strings as execve(2) wants them.
std::vector<char*> pointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

/// Ours, with the settings in the place of what was there.
std::vector<std::string> environmentWith(const std::vector<std::string>& settings) {
  std::vector<std::string> variables = settings;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view ours = *variable;
    const std::string_view name = ours.substr(0, ours.find('=') + 1);
    if (std::ranges::none_of(settings, [&](const auto& set) { return set.starts_with(name); })) {
      variables.emplace_back(ours);
    }
  }
  return variables;
}

/// A running program whose output is read.
class Command {
 public:
  Command(const std::vector<std::string>& command, const std::vector<std::string>& settings)
      : name_(command.front()) {
    Pipe pipe = makePipe();
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, pipe.write.get(), STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const std::vector<std::string> variables = environmentWith(settings);
    const int error = posix_spawnp(&pid_, name_.c_str(), &files, &attributes,
                                   pointersTo(command).data(), pointersTo(variables).data());
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
      pid_ = 0;
      throw SystemError("cannot start " + name_, error);
    }
    output_ = std::move(pipe.read);
  }
  ~Command() {
    if (pid_ != 0) {
      kill(-pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  /// What it prints, until it closes its output.
  std::string read(Clock::time_point end) {
    std::string text;
    std::array<char, 1024> part{};
    while (true) {
      await(output_.get(), end);
      const ssize_t got = ::read(output_.get(), part.data(), part.size());
      if (got <= 0) {
        return text;
      }
      constexpr std::size_t kMost = 64 << 10;
      if (text.size() < kMost) {
        text.append(part.data(), static_cast<std::size_t>(got));
      }
    }
  }

  ProcessStatus end(Clock::time_point end) {
    const FileDescriptor process = openPidfd(pid_);
    await(process.get(), end);
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
    pid_ = 0;
    return ProcessStatus::fromWaitid(info.si_code, info.si_status);
  }

 private:
  void await(int descriptor, Clock::time_point end) const {
    pollfd polled{descriptor, POLLIN, 0};
    while (true) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
      const int ready = poll(&polled, 1, left > 0 ? static_cast<int>(left) : 0);
      if (ready > 0) {
        return;
      }
      if (ready == 0) {
        throw Error(name_ + " took too long");
      }
    }
  }

  std::string name_;
  pid_t pid_ = 0;  // 0: it is reaped
  FileDescriptor output_;
};

}  // namespace

std::string firstLineOf(const std::vector<std::string>& command,
                        const std::vector<std::string>& settings, std::chrono::milliseconds limit) {
  const Clock::time_point end = Clock::now() + limit;
  Command running(command, settings);
  std::string output = running.read(end);
  if (const ProcessStatus status = running.end(end); !status.isSuccess()) {
    throw Error(command.front() + " " + status.describe());
  }
  return output.substr(0, output.find('\n'));
}

}  // namespace procession::detail
