#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace procession::detail {

/// Runs a program of the PATH and returns the first line that it prints, without the newline.
/// `settings`: variables in addition to those there are, NAME=value. It has its own process group,
/// which is killed when it takes longer than `limit`. Throws Error that tells what went wrong: it
/// is not there, took too long, or ended with another status than 0.
std::string firstLineOf(const std::vector<std::string>& command,
                        const std::vector<std::string>& settings, std::chrono::milliseconds limit);

}  // namespace procession::detail
